import { type HttpAdapterHost } from '@nestjs/core';

type Adapter = HttpAdapterHost['httpAdapter'];

/** RFC 9457, section 3. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

const problems = new WeakSet<object>();
const prepared = new WeakSet<Adapter>();

/** Marks a document that says why a request was refused: answered as it is, it has the content type of a problem. */
export function asProblem<Document extends object>(problem: Document): Document {
  problems.add(problem);
  return problem;
}

/**
 * Has the documents of {@link asProblem} answered with their content type. Not by a header that the guard sets: an application whose own exception
 * filter answers something else would send that with a problem's content type.
 */
export function answerProblems(adapter: Adapter): void {
  if (prepared.has(adapter)) return;
  prepared.add(adapter);
  const reply = adapter.reply.bind(adapter);
  adapter.reply = (response: unknown, body: unknown, status?: number): unknown => {
    if (typeof body !== 'object' || body === null || !problems.has(body)) return reply(response, body, status);
    adapter.setHeader(response, 'content-type', PROBLEM_CONTENT_TYPE);
    // As text: Nest 11's adapter for Express takes another content type than JSON's from an object.
    return reply(response, JSON.stringify(body), status);
  };
}
