import { type IncomingMessage, type ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { contentSecurityPolicy, errorPage, signInPage } from './pages.js';
import { people, PASSWORD, TWO_FACTORS } from './people.js';

/** Maximum size of the posted form, in bytes. */
const FORM_LIMIT = 4_096;

async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let size = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    const part: Buffer = Buffer.from(chunk);
    size += part.length;
    if (size > FORM_LIMIT) return undefined;
    chunks.push(part);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function answer(response: ServerResponse, status: number, page: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
    .end(page);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The page that asks who one is, and what its form says. */
export async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let details;
  try {
    details = await provider.interactionDetails(request, response);
  } catch {
    answer(response, 400, errorPage('SIGN_IN_UNKNOWN', 'This sign-in has expired. Start again at the application.'));
    return;
  }
  const { params, uid } = details;
  if (request.method !== 'POST') {
    const client = await provider.Client.find(text(params['client_id']));
    const page = signInPage({
      action: `/interaction/${uid}`,
      party: client?.clientName ?? 'An application',
      hint: text(params['login_hint']),
      twoFactors: text(params['acr_values']).split(' ').includes(TWO_FACTORS.acr),
    });
    answer(response, 200, page);
    return;
  }
  const form = await formOf(request);
  if (form?.has('cancel') === true) {
    const refused = { error: 'access_denied', error_description: 'the person did not sign in' };
    await provider.interactionFinished(request, response, refused);
    return;
  }
  const person = people.find(({ id }) => id === form?.get('person'));
  if (form === undefined || person === undefined) {
    answer(response, 400, errorPage('PERSON_UNKNOWN', 'Choose one of the people on the page.'));
    return;
  }
  const { acr, amr } = form.get('two_factors') === 'yes' ? TWO_FACTORS : PASSWORD;
  await provider.interactionFinished(request, response, { login: { accountId: person.id, acr, amr: [...amr] } });
}
