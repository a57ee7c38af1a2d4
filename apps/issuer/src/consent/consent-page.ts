import { html, type Html } from '../pages/html.js';
import { type Page } from '../pages/page.js';
import { identityWords, type AudienceWords } from '../registry/audience-words.js';
import { type Client } from '../registry/client.js';
import { isOdd, visibleParts } from './visible-text.js';

/** What a person is asked. */
export interface ConsentQuestion {
  readonly client: Pick<Client, 'client_id' | 'client_name' | 'publisher' | 'client_uri'>;
  readonly person: string;
  readonly audience: string;
  readonly words: AudienceWords | undefined;
  readonly scopes: readonly string[];
  /** Where the answer goes. */
  readonly redirectUri: string;
}

/** One line of what the application will be able to do. */
export interface ConsentLine {
  readonly scope: string;
  readonly title: string;
  readonly description?: string | undefined;
}

/** The names and words that a person reads, as the record keeps them. */
export function linesOf({ scopes, words }: Pick<ConsentQuestion, 'scopes' | 'words'>): readonly ConsentLine[] {
  return scopes.map((scope) => {
    const declared = words !== undefined && Object.hasOwn(words.scopes, scope) ? words.scopes[scope] : undefined;
    const { title, description } = declared ?? identityWords.get(scope) ?? { title: scope };
    return { scope, title, description };
  });
}

/** Somebody else's text with what cannot be seen, or be told from another letter, marked. */
export function visible(text: string): Html {
  const parts = visibleParts(text).map(({ text: part, odd }) =>
    odd === undefined ? part : html`<mark>${part}</mark>`,
  );
  return html`<bdi>${parts}</bdi>`;
}

/** The host, or the private scheme, that gets the answer: what an application cannot choose freely. */
function placeOf(redirectUri: string): string {
  const { host, protocol } = new URL(redirectUri);
  return host === '' ? protocol.slice(0, -1) : host;
}

function warningOf(texts: readonly string[]): Html | undefined {
  if (!texts.some(isOdd)) return undefined;
  return html`<p class="warn" role="note">
    Marked characters below are invisible, or look like other letters. Names like these are used to deceive: refuse
    unless you know why.
  </p>`;
}

/**
 * The page that asks for consent.
 * @param hidden the fields that tie the form to the request and the session
 * @param formTarget where the form leads beside this issuer
 */
export function consentPage(question: ConsentQuestion, hidden: Html, formTarget: string): Page {
  const { client, person, audience, words, redirectUri } = question;
  const { client_id: id, client_name: name = id, publisher, client_uri: uri } = client;
  const lines = linesOf(question);
  const service = words?.title ?? audience;
  const texts = [
    name,
    publisher ?? '',
    service,
    ...lines.flatMap(({ title, description }) => [title, description ?? '']),
  ];
  const body = html`
    ${warningOf(texts)}
    <dl>
      <dt>Application</dt>
      <dd>${visible(name)}</dd>
      ${
        publisher === undefined
          ? undefined
          : html`<dt>Made by</dt>
              <dd>${visible(publisher)}</dd>`
      }
      ${
        uri === undefined
          ? undefined
          : html`<dt>Its page</dt>
              <dd>${visible(uri)}</dd>`
      }
      <dt>Answers go to</dt>
      <dd>${visible(placeOf(redirectUri))}</dd>
      <dt>You</dt>
      <dd>${visible(person)}</dd>
      <dt>Service</dt>
      <dd>${visible(service)}</dd>
    </dl>
    <h2 id="what">It will be able to</h2>
    <ul aria-labelledby="what">
      ${lines.map(
        ({ title, description }) =>
          html`<li>
            <strong>${visible(title)}</strong
            >${description === undefined ? undefined : html`<br />${visible(description)}`}
          </li>`,
      )}
    </ul>
    <p class="quiet">You can end this at any time on your account page.</p>
    <form method="post" action="/consent">
      ${hidden}
      <div class="actions">
        <button type="submit" name="decision" value="allow">Allow</button>
        <button type="submit" name="decision" value="refuse" class="second">Refuse</button>
      </div>
    </form>
  `;
  return { title: 'An application asks to act for you', body, person, formTargets: [formTarget] };
}
