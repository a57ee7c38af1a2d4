import { request } from 'node:http';
import { CookieJar, walkSignIn, type Pkce } from '@countersign/people-provider';
import { type Stack } from '@countersign/stack';
import { REDIRECT, SCOPES, type Application } from './application.js';

/** Where a page of the issuer leads; nothing for a page that asks the person something. */
interface Visited {
  readonly status: number;
  readonly location: URL | undefined;
}

/** A person who is signed in at the issuer, in a browser without scripts. */
export class Person {
  readonly #cookies = new CookieJar();

  private constructor() {}

  /** Signs in at the development provider. @throws when that does not end at the issuer with a session */
  static async signIn({ urls }: Stack, person: string): Promise<Person> {
    const someone = new Person();
    const begun = await someone.#visit(new URL(`${urls.issuer}/sign-in/with/people?return_to=/account`));
    if (begun.location === undefined)
      throw new Error(`the issuer did not lead to the provider: ${String(begun.status)}`);
    const { location } = await someone.#visit(await walkSignIn(begun.location, { person }));
    if (location?.pathname !== '/account') throw new Error(`${person} is not signed in: ${String(location)}`);
    return someone;
  }

  /**
   * Asks for a code at this replica, without a question to the person.
   * @returns undefined when there was no answer, or one to ask again after
   * @throws when the person would have to sign in or to consent again
   */
  async authorize(at: string, { clientId }: Application, { challenge }: Pkce): Promise<string | undefined> {
    const url = new URL('/oauth2/authorize', at);
    url.search = new URLSearchParams({
      ...{ response_type: 'code', client_id: clientId, redirect_uri: REDIRECT, scope: SCOPES, resource: 'payments' },
      ...{ code_challenge: challenge, code_challenge_method: 'S256', prompt: 'none' },
    }).toString();
    const visited = await this.#visit(url).catch(() => undefined);
    if (visited === undefined || visited.status >= 500 || visited.status === 429) return undefined;
    const code = visited.location?.searchParams.get('code') ?? undefined;
    if (code !== undefined) return code;
    const error = visited.location?.searchParams.get('error') ?? '';
    throw new Error(`${clientId} got no code: ${String(visited.status)} ${error}`);
  }

  /** Not `fetch`, which would say that a script asks. */
  #visit(url: URL): Promise<Visited> {
    const headers = {
      cookie: this.#cookies.header(url.pathname),
      'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0',
    };
    return new Promise((done, failed) => {
      request(url, { headers, timeout: 20_000 }, (response) => {
        const { statusCode: status = 0, headers: got } = response;
        const kept = new Headers((got['set-cookie'] ?? []).map((line): [string, string] => ['set-cookie', line]));
        this.#cookies.take(new Response(null, { headers: kept }));
        response
          .once('end', () => {
            done({ status, location: got.location === undefined ? undefined : new URL(got.location, url) });
          })
          .once('error', failed)
          .resume();
      })
        .once('timeout', function (this: { destroy(): void }) {
          this.destroy();
        })
        .once('error', failed)
        .end();
    });
  }
}
