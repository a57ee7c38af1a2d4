import { html, type Html } from '../pages/html.js';
import { type Page } from '../pages/page.js';
import { askedRights, visible, type AskedRights } from './asked-rights.js';

/** What a person is asked. */
export interface ConsentQuestion extends AskedRights {
  /** Where the answer goes. */
  readonly redirectUri: string;
}

/** The host, or the private scheme, that gets the response, which an application cannot choose freely. */
function placeOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri);
  return host === '' ? protocol.slice(0, -1) : host;
}

/**
 * The page that asks for consent.
 * @param hidden the fields that tie the form to the request and the session
 * @param formTargets where the form may lead besides this issuer
 */
export function consentPage(question: ConsentQuestion, hidden: Html, formTargets: readonly string[]): Page {
  const { person, redirectUri } = question;
  const how = html`<dt>Answers go to</dt>
    <dd>${visible(placeOf(redirectUri))}</dd>`;
  const body = html`
    ${askedRights(question, how)}
    <p class="quiet">You can withdraw this at any time on your account page.</p>
    <form method="post" action="/consent">
      ${hidden}
      <div class="actions">
        <button type="submit" name="decision" value="allow">Allow</button>
        <button type="submit" name="decision" value="refuse" class="second">Refuse</button>
      </div>
    </form>
  `;
  return { title: 'An application asks to act for you', body, person, formTargets };
}
