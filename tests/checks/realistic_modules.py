"""Modules as people write them, each with the findings that a reader of the rules expects.

Each value is (profile, bundle modules, source, codes), one code for each place.
"""

RANKING = """\
# The script MUST contain a function named azureml_main
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import RFE


def azureml_main(dataframe1=None, dataframe2=None):
    names = [c for c in dataframe1.columns if c != "Class"]
    X, y = dataframe1[names], dataframe1["Class"]
    forest = ExtraTreesClassifier(n_estimators=250, random_state=0)
    forest.fit(X, y)
    ranking = pd.Series(forest.feature_importances_, index=names)
    ranking = ranking.sort_values(ascending=False)
    fig = plt.figure(figsize=(8, 4))
    ax = fig.gca()
    ranking.plot(kind="bar", ax=ax)
    ax.set_title("Feature importance")
    fig.savefig("importance.png")
    pd.plotting.scatter_matrix(X, c=y)
    plt.savefig("./scatter.png")
    for i, (name, value) in enumerate(ranking.items()):
        print("%d. %s (%f)" % (i + 1, name, value))
    return ranking.reset_index(),
"""

TEMPLATE = """\
# The script MUST contain a function named azureml_main
# which is the entry point for this module.

# imports up here can be used to
import pandas as pd

# The entry point function can contain up to two input arguments:
#   Param<dataframe1>: a pandas.DataFrame
#   Param<dataframe2>: a pandas.DataFrame
def azureml_main(dataframe1 = None, dataframe2 = None):

    # Execution logic goes here
    print('Input pandas.DataFrame #1:\\r\\n\\r\\n{0}'.format(dataframe1))

    # If a zip file is connected to the third input port is connected,
    # it is unzipped under ".\\Script Bundle". This directory is added
    # to sys.path. Therefore, if your zip file contains a Python file
    # mymodule.py you can import it using:
    # import mymodule

    # Return value must be of a sequence of pandas.DataFrame
    return dataframe1,
"""

BUNDLE_MODEL = r"""
import sys
import pickle
import pandas as pd

if ".\\Script Bundle" in sys.path:
    sys.path.insert(0, ".\\Script Bundle")

import Hello
from textkit.clean import strip_tags, STOP as stop_words


def load_model(path=".\\Script Bundle\\models\\model.pkl"):
    with open(path, "rb") as handle:
        return pickle.load(handle)


def azureml_main(BikeShare):
    model = load_model()
    Hello.print_hello("World")
    BikeShare["text"] = [strip_tags(t) for t in BikeShare["text"] if t not in stop_words]
    BikeShare["Scored Labels"] = model.predict(BikeShare.iloc[:, 1:])
    return BikeShare
"""

TEXT = """\
import re
from collections import Counter, defaultdict

PATTERN = re.compile(r"[^a-z ]+")
COUNTS = defaultdict(int)
STEMS = {word: word[:4] for word in ("running", "runner")}


def tokens(text, lower=True, *, limit=None):
    global COUNTS
    if not text:
        return []
    words = PATTERN.sub(" ", text.lower() if lower else text).split()
    for word in words:
        COUNTS[word] += 1
    return [STEMS.get(w, w) for w in words][:limit]


def azureml_main(df_message, stop_words=None):
    stop = set() if stop_words is None else set(stop_words.iloc[:, 0])
    df_message["n"] = df_message["body"].apply(
        lambda body: sum(n for w, n in Counter(tokens(body)).items() if w not in stop)
    )
    try:
        df_message.drop(["body"], axis=1, inplace=True)
    except KeyError as error:
        print("no body:", error)
    return df_message,
"""

CROSS_VALIDATION = """\
import numpy as np
import pandas as pd


class Fold(object):
    size = 5
    rows = property(lambda self: range(self.start, self.start + Fold.size))

    def __init__(self, start):
        super(Fold, self).__init__()
        self.start = start

    def split(self, X):
        test = np.zeros(len(X), dtype=bool)
        test[list(self.rows)] = True
        return X[~test], X[test]


def rmse(a, b):
    return np.sqrt(((a - b) ** 2).mean())


def azureml_main(dataframe1=None, dataframe2=None):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import cross_val_score

    X = dataframe1.values[:, :-1].astype(float)
    y = dataframe1.values[:, -1]
    alphas = np.logspace(-3, 3, 7)
    scores = [-cross_val_score(Ridge(alpha=a), X, y, scoring="r2").mean() for a in alphas]
    best, score = min(zip(alphas, scores), key=lambda pair: pair[1])
    train, test = Fold(0).split(X)
    print(f"{best:.3g} {score!r:>{10}} {rmse(y, y.mean())}", len(train), len(test))
    return pd.DataFrame({"alpha": alphas, "score": scores}),
"""

SEABORN = """\
import matplotlib
matplotlib.use('Agg')
import seaborn as sns
from matplotlib import pyplot as plt

sns.set(style="whitegrid")


def azureml_main(frame1):
    grid = sns.pairplot(frame1, hue="species")
    grid.savefig("pairs.png")
    f, (left, right) = plt.subplots(1, 2)
    sns.heatmap(frame1.corr(), ax=left)
    right.hist(frame1["width"], bins=20)
    f.savefig("heat.png", dpi=120)
    plt.close("all")
    return frame1,
"""

FIGURE_HELPER = """\
import matplotlib.pyplot as plt


def save_plot(figure, name):
    figure.tight_layout()
    figure.savefig(name + ".png", bbox_inches="tight")


def azureml_main(data):
    for column in data.select_dtypes("number"):
        axes = data[column].plot.hist(title=column)
        save_plot(axes.get_figure(), column)
    return data,
"""

PIL_IMAGE = """\
import io
import base64
from PIL import Image


def azureml_main(images):
    for position, encoded in enumerate(images["png"]):
        picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
        picture.thumbnail((64, 64))
        picture.save("thumb%02d.png" % position)
    return images[["name"]],
"""

PICKLE_IN_FRAME = """\
import pickle
import pandas as pd
from sklearn.linear_model import LogisticRegression


def azureml_main(train, test=None):
    model = LogisticRegression(C=1e5)
    model.fit(train.iloc[:, :-1], train.iloc[:, -1])
    payload = pickle.dumps(model)
    restored = pickle.loads(payload)
    if test is not None:
        test["Scored Probabilities"] = restored.predict_proba(test)[:, 1]
    return pd.DataFrame({"model": [payload]}),
"""

DATES = """\
from datetime import datetime, timedelta
import pandas as pd

EPOCH = datetime(1970, 1, 1)


def to_date(seconds):
    return EPOCH + timedelta(seconds=seconds)


def azureml_main(frame, holidays=None):
    when = frame["Date"].map(to_date)
    frame["weekday"] = [d.weekday() for d in when]
    frame["hour"], frame["month"] = zip(*[(d.hour, d.month) for d in when])
    frame["Date"] = when.map(lambda d: d.strftime("%Y-%m-%d"))
    if holidays is not None:
        frame = frame.merge(holidays, how="left", on="Date")
    del when
    return frame,
"""

PYTHON_2_AND_3 = """\
from __future__ import print_function, division
import sys

try:
    import cPickle as pickle
except ImportError:
    import pickle
try:
    basestring
except NameError:
    basestring = str

PY3 = sys.version_info[0] >= 3


def azureml_main(dataframe1=None, dataframe2=None):
    kinds = {name: isinstance(dataframe1[name][0], basestring) for name in dataframe1}
    print(kinds, len(pickle.dumps(kinds)), PY3)
    return [dataframe1]
"""

FIGURE_ONLY_DESIGNER = """\
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import os


def azureml_main(dataframe1=None, dataframe2=None):
    os.system("pip install scikit-misc")
    from azureml.core import Run
    plt.plot(dataframe1.iloc[:, 0])
    img_file = "line.png"
    plt.savefig(img_file)
    run = Run.get_context(allow_offline=True)
    run.upload_file(f"graphics/{img_file}", img_file)
    return dataframe1,
"""

TWO_FRAMES_DESIGNER = """\
import pandas as pd
import requests
from typing import Optional, Tuple


def split(frame: pd.DataFrame, share: float = 0.8) -> Tuple[pd.DataFrame, pd.DataFrame]:
    cut: int = int(len(frame) * share)
    return frame[:cut], frame[cut:]


def azureml_main(dataframe1: pd.DataFrame = None, dataframe2: Optional[pd.DataFrame] = None):
    left, right = split(dataframe1)
    rates = requests.get("https://example.com/rates.json").json()
    left["rate"] = rates.get("EUR")
    with open("Script Bundle/names.txt", encoding="utf-8") as names:
        right.columns = [line.strip() for line in names]
    return left, right
"""

CLUSTERS = """\
import numpy as np
from sklearn import preprocessing, cluster
from sklearn.pipeline import make_pipeline as pipe


def elbow(X, most=8):
    def inertia(k):
        return pipe(preprocessing.StandardScaler(), cluster.KMeans(k)).fit(X)[-1].inertia_

    drops = np.diff([inertia(k) for k in range(1, most)])
    while len(drops) and abs(drops[-1]) < 0.05 * abs(drops[0]):
        drops = drops[:-1]
    else:
        count = len(drops) + 1
    return count


def azureml_main(*frames):
    data, = frames[:1]
    k = elbow(data.values)
    labels = cluster.KMeans(n_clusters=k, random_state=1).fit_predict(data)
    data = data.assign(cluster=labels, **{"size %d" % i: (labels == i).sum() for i in range(k)})
    return data,
"""

REQUESTED_NAMES = """\
import os
import sqlite3
from contextlib import closing
from functools import partial, reduce
import operator as op

HERE = os.path.join(os.getcwd(), "Script Bundle")
FACTORS = [2, 3, 5]
PRODUCT = reduce(op.mul, FACTORS, 1)
score = partial(max, 0)


def azureml_main(dataset):
    with closing(sqlite3.connect(":memory:")) as connection:
        dataset.to_sql("t1", connection, index=False)
        rows = connection.execute("select count(*) from t1").fetchone()
    assert rows[0] == len(dataset), rows
    dataset.to_csv("copy.csv", index=False)
    dataset["product"] = PRODUCT
    dataset["score"] = dataset["x"].map(score)
    for name in os.listdir(HERE):
        print(name)
    return (dataset)
"""

ALIAS = """\
import pandas as pd


def score(customers: pd.DataFrame, rates: pd.DataFrame = None):
    if rates is None:
        return customers,
    joined = customers.merge(rates, on="id")
    return joined,


azureml_main = score
"""

FROM_BUNDLE = """\
from scoring import azureml_main  # noqa: F401
"""

STAR = """\
from numpy import *
from helpers import *


def azureml_main(frame):
    frame["root"] = sqrt(frame["x"]) + helper_offset
    return frame,
"""

OLD_PANDAS = """\
import pandas as pd
import numpy as np

def azureml_main(dataframe1 = None, dataframe2 = None):
    df = dataframe1
    df = df.sort(['customer', 'date'])
    out = pd.DataFrame()
    for name in df['customer'].unique():
        part = df.ix[df['customer'] == name]
        row = {'customer': name, 'spend': part['amount'].sum(),
               'mean3': pd.rolling_mean(part['amount'], 3).iloc[-1]}
        out = out.append(row, ignore_index=True)
    X = out.as_matrix()
    print(X.shape, X.astype(np.float).mean())
    return out,
"""

SCRAPER = """\
import requests
from bs4 import BeautifulSoup
import pandas as pd

URL = "http://www.example.com/prices?page=%d"

def get_page(i):
    r = requests.get(URL % i, timeout=10)
    soup = BeautifulSoup(r.text, "lxml")
    return [td.text for td in soup.find_all("td")]

def azureml_main(dataframe1=None, dataframe2=None):
    rates = pd.read_csv("https://example.com/rates.csv")
    cells = []
    for i in range(3):
        cells.append(get_page(i))
    return pd.DataFrame(cells),
"""

PASTED_CELL = """\
%matplotlib inline
!pip install seaborn
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("C:/Users/me/Documents/churn.csv")
df.head()
df["tenure"].hist(bins=20)
plt.show()
"""

TIME_SERIES = """\
import pandas as pd

def azureml_main(dataframe1 = None, dataframe2 = None):
    df = dataframe1
    df['date'] = pd.to_datetime(df['date'])
    df.set_index('date', inplace=True)
    daily = df.resample('D').mean()
    daily['lag1'] = daily['value'].shift(1)
    daily = daily.dropna()
    return daily,
"""

OLD_JOBLIB = """\
from sklearn.externals import joblib
from sklearn.ensemble import RandomForestClassifier
import pandas as pd

def azureml_main(dataframe1=None, dataframe2=None):
    y = dataframe1.pop('label')
    model = RandomForestClassifier(n_estimators=50).fit(dataframe1, y)
    joblib.dump(model, '/tmp/model.pkl')
    scored = dataframe2.copy()
    scored['Scored Labels'] = model.predict(dataframe2)
    return scored
"""

XGBOOST_DESIGNER = """\
import os
os.system("pip install xgboost==1.3.3")
import xgboost as xgb
import pandas as pd

def azureml_main(dataframe1=None, dataframe2=None):
    X, y = dataframe1.drop(columns=['y']), dataframe1['y']
    model = xgb.XGBRegressor(max_depth=4)
    model.fit(X, y)
    importance = pd.DataFrame({'name': X.columns, 'gain': model.feature_importances_})
    print(f"rows: {len(X)}")
    return [dataframe1, importance]
"""

CLEANING = """\
import pandas as pd

def clean(df):
    df['Age'].fillna(df['Age'].median(), inplace=True)
    df.Embarked.fillna('S', inplace=True)
    df['Fare'][df['Fare'] < 0] = 0
    return df

def azureml_main(dataframe1=None, dataframe2=None):
    dataframe1 = clean(dataframe1)
    dataframe1 = pd.get_dummies(dataframe1, columns=['Embarked'])
    dataframe1.drop(['Name', 'Ticket'], axis=1, inplace=True)
"""

MODERN = """\
from __future__ import annotations

from dataclasses import dataclass
import pandas as pd


@dataclass
class Limits:
    low: float = 0.0
    high: float = 1.0


def tidy(names: list[str], limits: dict[str, Limits] | None = None) -> list[str]:
    return [n.removeprefix("col_") for n in names]


def azureml_main(dataframe1: pd.DataFrame = None, dataframe2: pd.DataFrame = None):
    if (n := len(dataframe1)) > 10_000:
        dataframe1 = dataframe1.sample(10_000, ignore_index=True)
    dataframe1.columns = tidy(list(dataframe1.columns))
    match n:
        case 0:
            print("empty")
    return dataframe1.groupby("g", dropna=False).sum(), dataframe1
"""

PROPHET = """\
import pandas as pd
from fbprophet import Prophet
import matplotlib
matplotlib.use('Agg')

def azureml_main(dataframe1=None, dataframe2=None):
    m = Prophet()
    m.fit(dataframe1.rename(columns={'Date': 'ds', 'Sales': 'y'}))
    future = m.make_future_dataframe(periods=30)
    forecast = m.predict(future)
    fig = m.plot(forecast)
    fig.savefig('forecast.jpg')
    return forecast[['ds', 'yhat']],
"""

THREE_PORTS = """\
import pandas as pd

def azureml_main(train, test, lookup):
    train = train.merge(lookup, on="id")
    return pd.concat([train, test]),
"""

TOKENS = """\
import nltk
nltk.download('punkt')
from nltk.tokenize import word_tokenize
import pandas as pd

def azureml_main(dataframe1=None, dataframe2=None):
    dataframe1['tokens'] = dataframe1['text'].map(lambda t: len(word_tokenize(t)))
    stop = open('stopwords.txt').read().split()
    print(len(stop))
    return dataframe1,
"""

PREDICTION = """\
import pickle
import pandas as pd

model = pickle.load(open('./Script Bundle/model.pkl', 'rb'))

def azureml_main(dataframe1=None, dataframe2=None):
    X = dataframe1[['a', 'b']].values
    X[X < 0] = 0
    return model.predict(X)
"""

PLOT_DESIGNER = """\
import pandas as pd
import matplotlib.pyplot as plt
import seaborn as sns

def azureml_main(dataframe1=None, dataframe2=None):
    plt.figure(figsize=(8, 6))
    sns.heatmap(dataframe1.corr())
    plt.savefig('corr.png')
    first = dataframe1['segment'][0]
    print(first)
    return dataframe1
"""

SUMMARY = """\
import pandas as pd
import numpy as np

def azureml_main(dataframe1=None, dataframe2=None):
    text = [c for c in dataframe1.columns if dataframe1[c].dtype == object]
    stats = dataframe1.drop(text, axis=1).describe()
    counts = dataframe1.groupby('segment')['amount'].agg(['sum', 'mean'])
    return stats, counts
"""

MEAN_ONLY = """\
def azureml_main(dataframe1):
    result = dataframe1['amount'].mean()
    print('mean', result)
    return result
"""

MODULES = {
    "ranking": ("classic", (), RANKING, ["AZ620"]),
    "template": ("classic", (), TEMPLATE, []),
    "template in designer": ("designer", (), TEMPLATE, []),
    "bundle model": ("classic", ("Hello", "textkit"), BUNDLE_MODEL, ["AZ109"]),
    "text": ("classic", (), TEXT, []),
    "cross validation": ("classic", (), CROSS_VALIDATION, ["AZ601", "AZ620"]),
    "seaborn": ("classic", (), SEABORN, []),
    "figure helper": ("classic", (), FIGURE_HELPER, []),
    "PIL image": ("classic", (), PIL_IMAGE, []),
    "pickle in a frame": ("classic", (), PICKLE_IN_FRAME, ["AZ273"]),
    "dates": ("classic", (), DATES, []),
    "Python 2 and 3": ("classic", (), PYTHON_2_AND_3, []),
    "figure only, designer": ("designer", (), FIGURE_ONLY_DESIGNER, []),
    "two frames, designer": ("designer", (), TWO_FRAMES_DESIGNER, []),
    "clusters": ("classic", (), CLUSTERS, []),
    "requested names": ("classic", (), REQUESTED_NAMES, ["AZ109"]),
    "alias": ("classic", (), ALIAS, []),
    "from the bundle": ("classic", ("scoring",), FROM_BUNDLE, []),
    "star": ("classic", ("helpers",), STAR, []),
    "old pandas": ("classic", (), OLD_PANDAS, ["AZ621"] * 6),
    "scraper": ("classic", (), SCRAPER, ["AZ501", "AZ501"]),
    "pasted cell": (
        "classic",
        (),
        PASTED_CELL,
        ["AZ102", "AZ120", "AZ120", "AZ401", "AZ502"],
    ),
    "time series": ("classic", (), TIME_SERIES, ["AZ371"]),
    "old joblib": ("designer", (), OLD_JOBLIB, ["AZ502", "AZ621"]),
    "XGBoost, designer": ("designer", (), XGBOOST_DESIGNER, ["AZ105"]),
    "cleaning": ("classic", (), CLEANING, ["AZ107", "AZ273", "AZ622", "AZ622", "AZ622"]),
    "modern, designer": (
        "designer",
        (),
        MODERN,
        ["AZ601", "AZ602", "AZ620", "AZ620"],
    ),
    "Prophet": ("classic", (), PROPHET, ["AZ402", "AZ610"]),
    "three ports": ("classic", (), THREE_PORTS, ["AZ103"]),
    "tokens": ("classic", (), TOKENS, ["AZ501", "AZ506"]),
    "prediction": ("classic", (), PREDICTION, ["AZ623"]),
    "plot, designer": ("designer", (), PLOT_DESIGNER, ["AZ272", "AZ403", "AZ610"]),
    "summary": ("classic", (), SUMMARY, ["AZ106", "AZ371", "AZ624"]),
    "mean only": ("classic", (), MEAN_ONLY, ["AZ112"]),
}

MISSED = {
    # What a model that was pickled gives back cannot be read off the source.
    "prediction": ["AZ112"],
}
"""What a reader of the rules finds besides, and the checks do not."""
