import { type HttpAdapterHost } from '@nestjs/core';

type Adapter = HttpAdapterHost['httpAdapter'];

/** RFC 9457, section 3. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

const problems = new WeakSet<object>();
const prepared = new WeakSet<Adapter>();

/** Marks a problem document: sent unchanged, it gets the content type of a problem. */
export function asProblem<Document extends object>(problem: Document): Document {
  problems.add(problem);
  return problem;
}

/**
 * Sends documents of {@link asProblem} with their content type. The guard does not set the header, because an application's own exception filter
 * would send other content with it.
 */
export function answerProblems(adapter: Adapter): void {
  if (prepared.has(adapter)) return;
  prepared.add(adapter);
  const reply = adapter.reply.bind(adapter);
  adapter.reply = (response: unknown, body: unknown, status?: number): unknown => {
    if (typeof body !== 'object' || body === null || !problems.has(body)) return reply(response, body, status);
    adapter.setHeader(response, 'content-type', PROBLEM_CONTENT_TYPE);
    // As text: for an object, Nest 11's Express adapter would set the content type of JSON.
    return reply(response, JSON.stringify(body), status);
  };
}
