"use strict";

const byId = (id) => document.getElementById(id);

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  const key = byId("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  byId("status").textContent = "Waiting for the response ...";
  byId("answer").textContent = "";
  const started = performance.now();
  try {
    const response = await fetch(byId("url").value, {
      method: "POST",
      headers,
      body: byId("body").value,
    });
    const text = await response.text();
    const milliseconds = Math.round(performance.now() - started);
    byId("status").textContent = `${response.status} ${response.statusText} in ${milliseconds} ms`;
    byId("answer").textContent = readable(text);
  } catch (error) {
    byId("status").textContent = `No response: ${error.message}`;
  }
});

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
