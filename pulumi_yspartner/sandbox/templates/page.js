// Keeps the page fresh without moving what is being read: only what changed is put in place, and the focus stays.
"use strict";

const main = document.getElementById("main");
const news = document.getElementById("news");

async function refresh() {
  if (document.hidden) return;
  let text;
  try {
    const answer = await fetch("/");
    if (!answer.ok) throw new Error(answer.status);
    text = await answer.text();
  } catch {
    news.textContent = "The sandbox does not answer. What you see may be old.";
    return;
  }
  news.textContent = "";
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
  if (fresh.innerHTML === main.innerHTML || main.querySelector(".problem")) return;
  const focused = document.activeElement?.id;
  main.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
}

setInterval(refresh, 2000);
