"""What a run holds and lets go."""

import weakref

import pandas as pd

from azml_magic.contract.profile import CLASSIC
from azml_magic.languages.call import Progress, call


def test_inputs_are_let_go_before_results_are_made():
    held = []

    def azureml_main(frame):
        return (frame.assign(b=1),)

    def inputs():
        frame = pd.DataFrame({"a": [1, 2]})
        held.append(weakref.ref(frame))
        return {"dataset1": frame}

    datasets = inputs()
    outputs, _ = call(azureml_main, CLASSIC, datasets, Progress())
    assert outputs[0] is not None
    assert outputs[0]["b"].tolist() == [1, 1]
    assert datasets == {}
    assert held[0]() is None


def test_an_input_that_is_returned_stays():
    frame = pd.DataFrame({"a": [1, 2]})
    outputs, _ = call(lambda given: (given,), CLASSIC, {"dataset1": frame}, Progress())
    assert outputs[0] is not None
    assert outputs[0]["a"].tolist() == [1, 2]
