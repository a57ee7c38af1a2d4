import { Inject, Injectable } from '@nestjs/common';
import { cookieOf } from '@countersign/auth';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ISSUER_URL } from '../issuer-url.js';

/** The issuer's cookies: `session` identifies who is signed in, `sign-in` ties a provider's response to the browser that asked. */
export type CookieName = 'session' | 'sign-in';

const valuePattern = /^[\w-]{1,128}$/;

/**
 * The value of a cookie in a `Cookie` header (RFC 6265, section 4.2).
 * @returns undefined if it is missing, malformed or sent twice, because then somebody may have planted the other one
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const value = cookieOf(header, name);
  return value !== undefined && valuePattern.test(value) ? value : undefined;
}

/**
 * Reads and sets cookies. Under https their names begin with `__Host-`, so that only this very host can set them (RFC 6265bis, section 4.1.3.2);
 * plain http, on a developer's own machine, does not support such names.
 */
@Injectable()
export class Cookies {
  readonly #prefix: string;
  readonly #attributes: string;

  constructor(@Inject(ISSUER_URL) issuer: string) {
    const secure = new URL(issuer).protocol === 'https:';
    this.#prefix = secure ? '__Host-countersign-' : 'countersign-';
    // Lax, because a person arrives from an application or the provider, through a link on another site.
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  nameOf(name: CookieName): string {
    return this.#prefix + name;
  }

  read(request: Pick<FastifyRequest, 'headers'>, name: CookieName): string | undefined {
    return readCookie(request.headers.cookie, this.nameOf(name));
  }

  /** @param seconds for which the browser keeps it; by default until it closes */
  set(reply: FastifyReply, name: CookieName, value: string, seconds?: number): void {
    const age = seconds === undefined ? '' : `; Max-Age=${String(seconds)}`;
    void reply.header('set-cookie', `${this.nameOf(name)}=${value}; ${this.#attributes}${age}`);
  }

  clear(reply: FastifyReply, name: CookieName): void {
    this.set(reply, name, '', 0);
  }
}
