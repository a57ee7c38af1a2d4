import { html, type Html } from '../pages/html.js';
import { identityWords, type AudienceWords } from '../registry/audience-words.js';
import { type Client } from '../registry/client.js';
import { isOdd, visibleParts } from './visible-text.js';

/** Who asks the person, and for what. */
export interface AskedRights {
  readonly client: Pick<Client, 'client_id' | 'client_name' | 'publisher' | 'client_uri'>;
  readonly person: string;
  readonly audience: string;
  readonly words: AudienceWords | undefined;
  readonly scopes: readonly string[];
}

/** One line of what the application will be able to do. */
export interface ConsentLine {
  readonly scope: string;
  readonly title: string;
  readonly description?: string | undefined;
}

/** The names and words that a person reads, as the record keeps them. */
export function linesOf({ scopes, words }: Pick<AskedRights, 'scopes' | 'words'>): readonly ConsentLine[] {
  return scopes.map((scope) => {
    const declared = words !== undefined && Object.hasOwn(words.scopes, scope) ? words.scopes[scope] : undefined;
    const { title, description } = declared ?? identityWords.get(scope) ?? { title: scope };
    return { scope, title, description };
  });
}

/** How the trail describes the rights that an application requests or has. */
export const recordedRights = (
  clientId: string,
  { audience, scopes }: Pick<AskedRights, 'audience' | 'scopes'>,
): { readonly client_id: string; readonly audience: string; readonly scope: string } => ({
  client_id: clientId,
  audience,
  scope: scopes.join(' '),
});

/** Somebody else's text, with invisible and ambiguous characters marked. */
export function visible(text: string): Html {
  const parts = visibleParts(text).map(({ text: part, odd }) =>
    odd === undefined ? part : html`<mark>${part}</mark>`,
  );
  return html`<bdi>${parts}</bdi>`;
}

const warning = html`<p class="warn" role="note">
  Marked characters below are invisible, or look like other letters. Names like these are used to deceive: refuse unless
  you know why.
</p>`;

const row = (name: string, text: string): Html =>
  html`<dt>${name}</dt>
    <dd>${visible(text)}</dd>`;

/**
 * What every page that asks a person shows: who asks, in whose name, and what they will be able to do, with a warning if a name
 * deceives.
 * @param how rows about the kind of request, after those about the application
 */
export function askedRights(asked: AskedRights, how: Html): Html {
  const { client, person, audience, words } = asked;
  const { client_id: id, client_name: name = id, publisher, client_uri: uri } = client;
  const service = words?.title ?? audience;
  const lines = linesOf(asked);
  const texts = [name, publisher, uri, service, ...lines.flatMap((line) => [line.title, line.description])];
  return html`
    ${texts.some((text) => text !== undefined && isOdd(text)) ? warning : undefined}
    <dl>
      ${row('Application', name)} ${publisher === undefined ? undefined : row('Made by', publisher)}
      ${uri === undefined ? undefined : row('Its page', uri)} ${how} ${row('You', person)} ${row('Service', service)}
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
  `;
}
