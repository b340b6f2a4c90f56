// What an operator does with a piece, without leaving the list.

import { SignedOut } from "./rows.js";

export class Refused extends Error {
  // Without words where the server has said none: the page has some.
  constructor(title = null, detail = null) {
    super(detail);
    this.title = title;
    this.detail = detail;
  }
}

// What has become of the piece. Throws Refused, SignedOut.
export async function act(number, name, details) {
  const request = { method: "POST" };
  if (details) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(details);
  }
  return answered(await sent(`/api/work/${number}/${name}`, request));
}

export async function lookUp(number) {
  return answered(await sent(`/api/work/${number}`));
}

async function sent(address, request) {
  try {
    return await fetch(address, request);
  } catch {
    throw new Refused();
  }
}

async function answered(answer) {
  if (answer.status === 401) throw new SignedOut();
  const document = await answer.json();
  if (!answer.ok) throw new Refused(document.title, document.detail);
  return document;
}
