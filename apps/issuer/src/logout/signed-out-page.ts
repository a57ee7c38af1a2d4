import { visible } from '../consent/asked-rights.js';
import { html, named, type Html } from '../pages/html.js';
import { type Page } from '../pages/page.js';
import { type AfterSignOut } from './end-session.js';
import { type ProviderWayOut } from './provider-sign-out.service.js';

/** What the page after signing out says. */
export interface SignedOutPage {
  /** Where signing in starts. */
  readonly signInUrl: string;
  readonly wayOut: ProviderWayOut;
  /** The application that asked. */
  readonly after: AfterSignOut | undefined;
}

const over = html`This browser no longer has a session here.`;

function bodyOf(wayOut: ProviderWayOut): Html {
  switch (wayOut.kind) {
    case 'none':
      return html`<p>${over} You may still be signed in at your sign-in provider.</p>`;
    case 'away':
      return html`<p>
        ${over} ${named(wayOut.title)} is not responding right now, so you may still be signed in there: on a computer
        that others use, sign out there too.
      </p>`;
    case 'returned':
      return html`<p>${over} ${named(wayOut.title)} was asked to sign you out too.</p>`;
    case 'offer':
      return html`<p>
          ${over} You may still be signed in at ${named(wayOut.title)}: anyone who uses this browser next could sign in
          here as you.
        </p>
        <p><a class="button" href="${wayOut.url}">Sign out at ${named(wayOut.title)} too</a></p>`;
    case 'always':
      return html`<p>${over} ${named(wayOut.title)} is asked to sign you out too.</p>
        <p><a class="button" href="${wayOut.url}">Continue to ${named(wayOut.title)}</a></p>`;
  }
}

/** The page after signing out: what has ended, what has not, and where to go next. */
export function signedOutPage({ signInUrl, wayOut, after }: SignedOutPage): Page {
  const further = wayOut.kind === 'offer' || wayOut.kind === 'always' ? 'button second' : 'button';
  const on =
    after === undefined
      ? html`<a class="${further}" href="${signInUrl}">Sign in again</a>`
      : html`<a class="${further}" href="${after.url}">Go back to ${visible(after.clientName)}</a>`;
  return {
    title: 'You are signed out',
    body: html`${bodyOf(wayOut)} ${wayOut.kind === 'always' ? undefined : html`<p>${on}</p>`}`,
    ...(wayOut.kind === 'always' ? { leadsOnTo: wayOut.url } : {}),
  };
}
