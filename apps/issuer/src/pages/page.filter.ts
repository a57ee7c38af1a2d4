import { Catch, Injectable } from '@nestjs/common';
import {
  Problem,
  ProblemFilter,
  problemOf,
  type OAuthError,
  traceOf,
  type ProblemDocument,
  type RequestTrace,
} from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { html } from './html.js';
import { sendPage } from './page.js';

/**
 * For controllers of pages, through `@AnswersPages()`: an error becomes a page with the problem's text, and repeats nothing of
 * the request except its id.
 */
@Catch()
@Injectable()
export class PageFilter extends ProblemFilter {
  protected override sendOAuth(reply: FastifyReply, error: OAuthError): void {
    // `Retry-After`, if it is too early.
    void reply.headers(error.headers);
    this.send(reply, problemOf(new Problem(error.status, error.error, error.description)), traceOf(reply.request));
  }

  protected override send(reply: FastifyReply, problem: ProblemDocument, { requestId }: RequestTrace): void {
    const { status, title, detail } = problem;
    sendPage(reply, {
      status,
      title: typeof problem['heading'] === 'string' ? problem['heading'] : (headings[status] ?? title),
      body: html`<p>${detail}</p>
        <p class="quiet">If you ask for help, quote this request id: <code>${requestId}</code></p>`,
    });
  }
}

const headings: Readonly<Record<number, string>> = {
  400: 'This request cannot be processed',
  401: 'You are not signed in',
  403: 'This is not allowed',
  404: 'This page does not exist',
  429: 'Too many requests',
  500: 'Something went wrong',
  502: 'Your sign-in provider sent an invalid answer',
  503: 'Not available right now',
};
