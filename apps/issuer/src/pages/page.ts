import { type FastifyReply } from 'fastify';
import { Html, html, type HtmlValue } from './html.js';
import { stylesheet, stylesheetSource } from './style.js';

/** One page of the issuer. */
export interface Page {
  /** The heading, and the document's title. */
  readonly title: string;
  readonly body: Html;
  /** 200 by default. */
  readonly status?: number;
  /** Who is signed in, for the head of the page. */
  readonly person?: string | undefined;
  /**
   * Where the page's forms may lead besides this issuer, as sources of a content security policy, which browsers also apply to redirects after a
   * form. An origin (`https://app.example`) or a scheme (`com.example.app:`).
   */
  readonly formTargets?: readonly string[] | undefined;
  /**
   * Where the browser goes automatically, if a redirect after a form would not work: browsers subject it, and what it redirects to, to the
   * policy of the page with the form.
   */
  readonly leadsOnTo?: string | undefined;
}

const sourcePattern = /^(?:[a-z][a-z0-9+.-]*:|https?:\/\/[A-Za-z0-9.[\]:-]+)$/;

/** The policy of a page: nothing loads, nothing runs, nobody may frame it, and its forms lead here. @throws {TypeError} for a target that is not a source */
export function pagePolicy(formTargets: readonly string[] = []): string {
  for (const target of formTargets)
    if (!sourcePattern.test(target)) throw new TypeError('a form target must be an origin or a scheme');
  return [
    "default-src 'none'",
    `style-src ${stylesheetSource}`,
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

// Created separately, because a formatter that touched the template would invalidate the policy's hash.
const styleElement = Html.trusted(`<style>${stylesheet}</style>`);

function documentOf({ title, body, person, leadsOnTo }: Page): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${leadsOnTo === undefined ? undefined : html`<meta http-equiv="refresh" content="0;url=${leadsOnTo}" />`}
        <title>${title} · Countersign</title>
        ${styleElement}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header><span class="brand">Countersign</span>${signedIn(person)}</header>
        <main id="main" tabindex="-1">
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `;
}

function signedIn(person: string | undefined): HtmlValue {
  return person === undefined ? undefined : html`<span class="quiet">Signed in as <bdi>${person}</bdi></span>`;
}

// The window that opened this one loses its reference to it, and so cannot watch where it goes, or when.
const severed = { 'cross-origin-opener-policy': 'same-origin' };

/** Sends a page, which must not be cached or framed, and whose URL must not leak. */
export function sendPage(reply: FastifyReply, page: Page): void {
  void reply
    .status(page.status ?? 200)
    .headers({
      'cache-control': 'no-store',
      'content-security-policy': pagePolicy(page.formTargets),
      ...severed,
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), publickey-credentials-get=()',
      // Not `no-referrer`: with that, browsers say `Origin: null` for our own forms.
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    .type('text/html; charset=utf-8')
    .send(documentOf(page).toString());
}

/** Redirects the browser to another URL by GET, without leaving a trace of this one. @param location created here, never copied from a request */
export function sendBrowserTo(reply: FastifyReply, location: string): void {
  const headers = { ...severed, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', location };
  void reply.status(303).headers(headers).send('');
}
