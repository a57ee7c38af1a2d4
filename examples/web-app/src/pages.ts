import { createHash, randomUUID } from 'node:crypto';
import { type Account, type Payment } from './bank.js';
import { Html, html } from './html.js';
import { euros, goods, type Order } from './order.js';
import { type Session } from './session.js';

const style = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: baseline; flex-wrap: wrap; }
button, a.button { font: inherit; display: inline-block; padding: 0.5rem 1rem; cursor: pointer; }
a.button { border: 1px solid; border-radius: 0.25rem; text-decoration: none; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid; }
.notice { border-inline-start: 0.25rem solid; padding-inline-start: 0.75rem; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }`;

/** No script, no frame, nothing from other hosts; forms are sent only to this server, which never redirects them to another. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Page {
  readonly title: string;
  readonly body: Html;
  /** A page that continues automatically: a separate step, so that a form is never redirected to another site. */
  readonly next?: URL | string;
}

function page({ title, body, next }: Page): string {
  const refresh = next === undefined ? '' : html`<meta http-equiv="refresh" content="0;url=${String(next)}" />`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${refresh}
        <title>${title} – Corner Shop</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        ${body}
      </body>
    </html> `.text;
}

const formToken = ({ formToken: token }: Session): Html =>
  html`<input type="hidden" name="form_token" value="${token}" />`;

/** For somebody who is not signed in. */
export function welcomePage(notice?: string): string {
  return page({
    title: 'Welcome',
    body: html`<main>
      <h1>Corner Shop</h1>
      ${noticeOf(notice)}
      <p>
        A small shop of another company. It takes payments from the account that you have with your bank, once you have
        allowed it there. It never sees a password, and your browser never sees a token.
      </p>
      <p><a class="button" href="/sign-in">Sign in with your bank</a></p>
    </main>`,
  });
}

function noticeOf(notice: string | undefined): Html {
  return notice === undefined ? html`` : html`<p class="notice" role="status">${notice}</p>`;
}

/** The form contains the order's key: however often it is sent, the bank pays once. */
function unansweredPart(session: Session): Html {
  const { unanswered } = session;
  if (unanswered === undefined) return html``;
  const { good, key } = unanswered;
  return html`<div class="notice" role="status">
    <p>Your bank has not said whether it paid for ${good.name}. Ask it again; it pays once.</p>
    <form method="post" action="/pay">
      ${formToken(session)}<input type="hidden" name="key" value="${key}" />
      <button name="good" value="${good.id}">Ask again</button>
    </form>
  </div>`;
}

function accountsPart(session: Session, accounts: readonly Account[] | undefined): Html {
  if (accounts === undefined) {
    return html`<p>The shop may not see your accounts yet.</p>
      <p><a class="button" href="/connect/accounts">Connect my accounts</a></p>`;
  }
  if (accounts.length === 0) {
    return html`<p>You have no account to pay from.</p>
      <form method="post" action="/account">${formToken(session)}<button>Open an account</button></form>`;
  }
  return html`<ul>
    ${accounts.map(({ name, balance }) => html`<li>${name}: <strong>${euros(balance.amount)}</strong></li>`)}
  </ul>`;
}

function goodsPart(session: Session): Html {
  return html`<ul>
    ${goods.map(
      ({ id, name, cents }) =>
        html`<li>
          <form method="post" action="/pay">
            ${formToken(session)}<input type="hidden" name="key" value="${randomUUID()}" />
            <button name="good" value="${id}">Buy ${name} for ${euros(cents)}</button>
          </form>
        </li>`,
    )}
  </ul>`;
}

function paymentsPart(payments: readonly Payment[] | undefined): Html {
  if (payments === undefined) {
    return html`<p>The shop may not pay for you.</p>
      <p><a class="button" href="/connect/payments">Allow payments</a></p>`;
  }
  if (payments.length === 0) return html`<p>Nothing yet.</p>`;
  return html`<table>
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">Amount</th>
        <th scope="col">Status</th>
      </tr>
    </thead>
    <tbody>
      ${payments.map(
        ({ reference, amount, status }) =>
          html`<tr>
            <td>${reference}</td>
            <td>${euros(amount.amount)}</td>
            <td>${status}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** What the shop knows about a person; parts that the person did not allow are missing. */
export function shopPage(
  session: Session,
  accounts: readonly Account[] | undefined,
  payments: readonly Payment[] | undefined,
): string {
  const { notice } = session;
  session.notice = undefined;
  return page({
    title: 'Shop',
    body: html`<header>
        <p>Signed in as <strong>${session.name}</strong></p>
        <form method="post" action="/sign-out">${formToken(session)}<button>Sign out</button></form>
      </header>
      <main>
        <h1>Corner Shop</h1>
        ${noticeOf(notice)} ${unansweredPart(session)}
        <h2>Your account</h2>
        ${accountsPart(session, accounts)}
        <h2>Goods</h2>
        ${goodsPart(session)}
        <h2>Your payments</h2>
        ${paymentsPart(payments)}
      </main>`,
  });
}

/** The bank wants a newer sign-in before it pays this much. */
export function confirmPage({ good }: Order): string {
  return page({
    title: 'Confirm',
    body: html`<main>
      <h1>Please confirm that it is you</h1>
      <p>Your bank asks for a new sign-in before it pays ${euros(good.cents)} for ${good.name}.</p>
      <p><a class="button" href="/confirm">Confirm at your bank</a></p>
      <p><a href="/">Do not buy it</a></p>
    </main>`,
  });
}

/** After the new sign-in: one more press pays. */
export function payWaitingPage(session: Session, { good, key }: Order): string {
  return page({
    title: 'Pay',
    body: html`<main>
      <h1>Thank you</h1>
      <form method="post" action="/pay">
        ${formToken(session)}<input type="hidden" name="key" value="${key}" />
        <button name="good" value="${good.id}">Buy ${good.name} for ${euros(good.cents)}</button>
      </form>
      <p><a href="/">Do not buy it</a></p>
    </main>`,
  });
}

/** Continues in a separate step; also a link, for browsers that do not continue automatically. */
export function leadOnPage(title: string, next: URL | string): string {
  return page({
    title,
    next,
    body: html`<main>
      <h1>${title}</h1>
      <p><a href="${String(next)}">Continue</a></p>
    </main>`,
  });
}

/** Something did not work. @param what a message that repeats nothing received from outside */
export function errorPage(what: string): string {
  return page({
    title: 'Error',
    body: html`<main>
      <h1>That did not work</h1>
      <p role="alert">${what}</p>
      <p><a class="button" href="/">Back to the shop</a></p>
    </main>`,
  });
}
