import { createHmac, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Problem, Refusals, traceOf } from '@countersign/service-host';
import { type FastifyRequest } from 'fastify';
import { ISSUER_URL } from '../issuer-url.js';
import { Cookies } from '../cookies/cookies.service.js';
import { html, type Html } from './html.js';

const FIELD = 'form_token';

/** A request that did not come from a page of this issuer. */
export class ForeignForm extends Problem {
  constructor() {
    super(
      400,
      'FORM_FOREIGN',
      'This form does not belong to a page that is open in this browser. Open the page again and try again.',
    );
  }
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/**
 * Keeps other sites from using a person's session (CSRF): each form carries a token that only this issuer can derive from the browser's session
 * secret, and the browser must not report that another site sent it.
 */
@Injectable()
export class FormToken {
  readonly #origin: string;

  constructor(
    @Inject(ISSUER_URL) issuer: string,
    @Inject(Cookies) private readonly cookies: Cookies,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {
    this.#origin = new URL(issuer).origin;
  }

  /** The hidden field of a form, bound to the session of the request. @throws {ForeignForm} without a session */
  field(request: FastifyRequest): Html {
    return html`<input type="hidden" name="${FIELD}" value="${this.issue(request)}" />`;
  }

  /** The token itself. @throws {ForeignForm} without a session */
  issue(request: FastifyRequest): string {
    const secret = this.cookies.read(request, 'session');
    if (secret === undefined) throw new ForeignForm();
    return createHmac('sha256', secret).update('countersign form token v1').digest('base64url');
  }

  /**
   * Await this before a form has any effect.
   * @param form the parsed body
   * @throws {ForeignForm} 400 `FORM_FOREIGN`; recorded in the trail
   */
  admit(request: FastifyRequest, form: unknown): Promise<void> {
    return this.#recorded(request, () => {
      this.check(request, form);
    });
  }

  /** Like {@link admit}, for a form without a signed-in person. @throws {ForeignForm} 400 `FORM_FOREIGN` */
  admitSite(request: FastifyRequest): Promise<void> {
    return this.#recorded(request, () => {
      this.#checkSite(request);
    });
  }

  async #recorded(request: FastifyRequest, check: () => void): Promise<void> {
    try {
      check();
    } catch (error) {
      if (error instanceof ForeignForm) await this.refusals.recordOf(error.code, traceOf(request));
      throw error;
    }
  }

  /** Like {@link admit}, for a route that records the refusal itself. @throws {ForeignForm} 400 `FORM_FOREIGN` */
  check(request: FastifyRequest, form: unknown): void {
    this.#checkSite(request);
    const given: unknown = typeof form === 'object' && form !== null && FIELD in form ? form[FIELD] : undefined;
    const [expected, found] = [Buffer.from(this.issue(request)), Buffer.from(typeof given === 'string' ? given : '')];
    if (expected.length !== found.length || !timingSafeEqual(expected, found)) throw new ForeignForm();
  }

  /** Where a request comes from according to the browser: `Sec-Fetch-Site` and `Origin`. A browser's POST has at least one of them. @throws {ForeignForm} */
  #checkSite(request: FastifyRequest): void {
    const [site, origin] = [headerOf(request, 'sec-fetch-site'), headerOf(request, 'origin')];
    if (site === undefined && origin === undefined) throw new ForeignForm();
    if (site !== undefined && site !== 'same-origin') throw new ForeignForm();
    if (origin !== undefined && origin !== this.#origin) throw new ForeignForm();
  }
}
