import { linesOf, visible } from '../consent/asked-rights.js';
import { html, named, timeOf, type Html } from '../pages/html.js';
import { identityWords, type Audiences } from '../registry/audience-words.js';
import { type SessionRow } from '../sessions/sessions.tables.js';
import { type AllowedApplication } from './applications.js';

/** Uses of one application that are written out. */
const USES_SHOWN = 10;

/** What the page needs in addition to what it shows. */
export interface AccountPage {
  /** The issuer's identifier; the forms are below it. */
  readonly issuer: string;
  /** The hidden field against forms of other sites. */
  readonly formToken: Html;
  readonly applications: readonly AllowedApplication[];
  /** An application's name for people. */
  readonly nameOf: (clientId: string) => string;
  readonly sessions: readonly SessionRow[];
  /** Whether there are more than these. */
  readonly more: { readonly applications: boolean; readonly sessions: boolean };
  /** What people call services and scopes. */
  readonly words: Audiences;
  /** The session of this browser. */
  readonly own: string;
  readonly email: string | undefined;
  readonly provider: string;
  readonly roles: readonly string[];
}

function form(page: AccountPage, action: string, fields: Html, button: Html): Html {
  return html`<form method="post" action="${page.issuer}/account/${action}">
    ${page.formToken}${fields}
    <div class="actions">${button}</div>
  </form>`;
}

/** A service as people call it, and scopes in the words that were read at the consent. */
function inWords(
  audience: string,
  scopes: readonly string[],
  { words: all }: AccountPage,
): readonly [service: Html, rights: Html] {
  const words = Object.hasOwn(all, audience) ? all[audience] : undefined;
  const titles = linesOf({ scopes, words }).map(
    ({ title }, index) => html`${index === 0 ? '' : ', '}${visible(title)}`,
  );
  return [visible(words?.title ?? audience), html`${titles}`];
}

/** What a token was for. That it also identifies the person need not be listed. */
function purposesOf(scope: string): readonly string[] {
  const scopes = scope.split(' ');
  const purposes = scopes.filter((one) => !identityWords.has(one));
  return purposes.length > 0 ? purposes : scopes;
}

function usesOf(application: AllowedApplication, page: AccountPage): Html {
  if (application.uses.length === 0) return html`<p class="quiet">Not used yet.</p>`;
  const uses = application.uses.slice(0, USES_SHOWN).map(({ clientId, audience, scope, times, lastAt }) => {
    const [service, rights] = inWords(audience, purposesOf(scope), page);
    const through = clientId === application.clientId ? undefined : html`, through ${visible(page.nameOf(clientId))}`;
    const often = times === 1 ? 'once' : `${String(times)} times`;
    return html`<li>${service}${through}: ${rights}; ${often}, last ${timeOf(lastAt)}</li>`;
  });
  const more = application.uses.length - uses.length;
  return html`<p>Used at:</p>
    <ul>
      ${uses} ${more > 0 ? html`<li>and ${more} more, used before these</li>` : undefined}
    </ul>`;
}

function applicationCard(application: AllowedApplication, page: AccountPage): Html {
  const { clientId, allowed, since } = application;
  const name = visible(page.nameOf(clientId));
  const rights = allowed.map(({ audience, scopes }) => {
    const [service, titles] = inWords(audience, scopes, page);
    return html`<dt>${service}</dt>
      <dd>${titles}</dd>`;
  });
  return html`<li class="card">
    <h3>${name}</h3>
    <p class="quiet">Allowed since ${timeOf(since)}</p>
    <dl>${rights}</dl>
    ${usesOf(application, page)}
    ${form(
      page,
      'applications/end',
      html`<input type="hidden" name="client_id" value="${clientId}" />`,
      html`<button class="danger" type="submit">End access of ${name}</button>`,
    )}
  </li>`;
}

function sessionCard(session: SessionRow, page: AccountPage): Html {
  const { id, device, network, createdAt, seenAt, authenticatedAt } = session;
  const isOwn = id === page.own;
  const end = isOwn
    ? html`<div class="actions"><a class="button second" href="${page.issuer}/sign-out">Sign out here</a></div>`
    : form(
        page,
        'sessions/end',
        html`<input type="hidden" name="session_id" value="${id}" />`,
        html`<button class="danger" type="submit">
          End the session of ${device}, signed in ${timeOf(authenticatedAt)}
        </button>`,
      );
  return html`<li class="card">
    <h3>${device}${isOwn ? html` <span class="quiet">(this browser)</span>` : undefined}</h3>
    <dl>
      <dt>Last used</dt>
      <dd>${timeOf(seenAt)}</dd>
      <dt>Signed in</dt>
      <dd>${timeOf(createdAt)}</dd>
      <dt>From</dt>
      <dd>${network}</dd>
    </dl>
    ${end}
  </li>`;
}

/** The page where people see and end what they allowed and where they are signed in. */
export function accountPage(page: AccountPage): Html {
  const { applications, sessions, more, email, provider, roles } = page;
  const others = sessions.filter(({ id }) => id !== page.own);
  return html`<dl>
      <dt>Signed in at</dt>
      <dd>${named(provider)}</dd>
      ${
        email === undefined
          ? undefined
          : html`<dt>E-mail</dt>
              <dd>${named(email)}</dd>`
      }
      <dt>Roles</dt>
      <dd>${roles.length === 0 ? 'none' : roles.join(', ')}</dd>
    </dl>
    <h2>Applications</h2>
    ${
      applications.length === 0
        ? html`<p>You have not allowed any application to act for you.</p>`
        : html`<ul class="plain">
            ${applications.map((application) => applicationCard(application, page))}
          </ul>`
    }
    ${more.applications ? html`<p>You allowed more, before these; end the ones above to see them.</p>` : undefined}
    <h2>Where you are signed in</h2>
    <ul class="plain">
      ${sessions.map((session) => sessionCard(session, page))}
    </ul>
    ${more.sessions ? html`<p>There are more, last used before these; the button below ends them too.</p>` : undefined}
    ${
      others.length === 0
        ? undefined
        : form(
            page,
            'sessions/end-others',
            html``,
            html`<button class="danger" type="submit">End all other sessions</button>`,
          )
    }`;
}
