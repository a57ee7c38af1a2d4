import { Inject, Injectable } from '@nestjs/common';
import { cookieOf } from '@countersign/auth';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';

/** `console` is a session's secret; `console-sign-in` ties the issuer's answer to the browser that asked. */
export type CookieName = 'console' | 'console-sign-in';

/** Over https a cookie's name binds it to this very host (RFC 6265bis, section 4.1.3.2); plain http, on a developer's machine, does not support such names. */
export function cookieNameFor(origin: string, name: CookieName): string {
  return origin.startsWith('https:') ? `__Host-countersign-${name}` : `countersign-${name}`;
}

/** The console's cookies. Scripts cannot read them. */
@Injectable()
export class ConsoleCookies {
  constructor(@Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions) {}

  read(header: string | undefined, name: CookieName): string | undefined {
    return cookieOf(header, cookieNameFor(this.options.origin, name));
  }

  /** The `Set-Cookie` header's value. Lax, because a person returns from the issuer through a link on another site. */
  set(name: CookieName, value: string, maxAgeSeconds: number): string {
    const secure = this.options.origin.startsWith('https:') ? '; Secure' : '';
    const whole = cookieNameFor(this.options.origin, name);
    return `${whole}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${String(maxAgeSeconds)}${secure}`;
  }
}
