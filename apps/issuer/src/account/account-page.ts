import { html, named, timeOf, type Html } from '../pages/html.js';
import { type SessionRow } from '../sessions/sessions.tables.js';
import { type AllowedApplication } from './applications.js';

/** What the page needs beside what it shows. */
export interface AccountPage {
  /** The issuer's identifier, under which the forms are. */
  readonly issuer: string;
  /** The hidden field against forms of other sites. */
  readonly formToken: Html;
  readonly applications: readonly AllowedApplication[];
  /** An application's or a service's name for people. */
  readonly nameOf: (clientId: string) => string;
  readonly sessions: readonly SessionRow[];
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

function usesOf(application: AllowedApplication, page: AccountPage): Html {
  if (application.uses.length === 0) return html`<p class="quiet">Not used yet.</p>`;
  const uses = application.uses.slice(0, 10).map(({ clientId, audience, scope, times, lastAt }) => {
    const through = clientId === application.clientId ? undefined : html`, through ${named(page.nameOf(clientId))}`;
    const often = times === 1 ? 'once' : `${String(times)} times`;
    return html`<li>
      ${named(page.nameOf(audience))}${through}: <code>${scope}</code>, ${often}, last ${timeOf(lastAt)}
    </li>`;
  });
  return html`<p>Used at:</p>
    <ul>
      ${uses}
    </ul>`;
}

function applicationCard(application: AllowedApplication, page: AccountPage): Html {
  const name = page.nameOf(application.clientId);
  const { clientId, allowed, since } = application;
  const rights = allowed.map(
    ({ audience, scopes }) =>
      html`<dt>${named(page.nameOf(audience))}</dt>
        <dd><code>${scopes.join(' ')}</code></dd>`,
  );
  return html`<li class="card">
    <h3>${named(name)}</h3>
    <p class="quiet">Allowed since ${timeOf(since)}</p>
    <dl>${rights}</dl>
    ${usesOf(application, page)}
    ${form(
      page,
      'applications/end',
      html`<input type="hidden" name="client_id" value="${clientId}" />`,
      html`<button class="danger" type="submit">End access of ${named(name)}</button>`,
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

/** The page on which a person sees, and ends, what they allowed and where they are signed in. */
export function accountPage(page: AccountPage): Html {
  const { applications, sessions, email, provider, roles } = page;
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
    <h2>Where you are signed in</h2>
    <ul class="plain">
      ${sessions.map((session) => sessionCard(session, page))}
    </ul>
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
