import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { people, type Somebody } from './people.js';

const style = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 30rem; margin: 3rem auto; padding: 0 1rem; }
button { font: inherit; padding: 0.75rem 1rem; margin: 0.25rem 0; cursor: pointer; }
button.person { display: block; width: 100%; text-align: start; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }`;

/** No script, no frame, nothing from elsewhere. `form-action` stays open: the answer to a form leads on to the relying party. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function page(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} – people provider</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.text;
}

const choice = ({ id, name, work }: Somebody): Html =>
  html`<li>
    <button class="person" name="person" value="${id}">${name} <small>${work}</small></button>
  </li>`;

export interface SignInPage {
  /** Where the form goes. */
  readonly action: string;
  /** Who wants to know: the relying party's name. */
  readonly party: string;
  /** Comes first. */
  readonly hint: string | undefined;
  /** Whether the relying party asked for two factors. */
  readonly twoFactors: boolean;
}

/** The page on which one chooses who one is. */
export function signInPage({ action, party, hint, twoFactors }: SignInPage): string {
  const ordered = [...people].sort((one, other) => Number(other.id === hint) - Number(one.id === hint));
  return page(
    'Sign in',
    html`<h1>Who are you?</h1>
      <p>${party} asks who you are. This is a provider for development: there are no passwords.</p>
      <form method="post" action="${action}">
        <p>
          <label
            ><input type="checkbox" name="two_factors" value="yes" ${new Html(twoFactors ? 'checked' : '')} /> with a
            second factor</label
          >
        </p>
        <ul role="list">
          ${ordered.map(choice)}
        </ul>
        <button name="cancel" value="yes">Cancel</button>
      </form>`,
  );
}

/** Asks whether to end the provider's own session too. @param form the provider's, to which the buttons belong */
export function signOutPage(form: string): string {
  return page(
    'Sign out',
    html`<h1>Sign out here too?</h1>
      <p>You are still signed in at this provider.</p>
      ${new Html(form)}
      <button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>
      <button type="submit" form="op.logoutForm">Stay signed in</button>`,
  );
}

/** After a sign-out that leads nowhere else. */
export function signedOutPage(): string {
  return page('Signed out', html`<h1>You are signed out</h1>`);
}

/** What is wrong with a request that cannot be sent back. @param code the standard's error */
export function errorPage(code: string, description: string): string {
  return page(
    'Error',
    html`<h1>That did not work</h1>
      <p>${description}</p>
      <p><code>${code}</code></p>`,
  );
}
