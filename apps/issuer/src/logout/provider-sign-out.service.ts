import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, LOGGER } from '@countersign/service-host';
import { type Logger } from 'pino';
import { ProviderProblem } from '../providers/provider-problem.js';
import { Providers } from '../providers/providers.service.js';
import { digestOf, newSecret } from '../sessions/session.js';
import { ProviderSignOutsStore } from './provider-sign-outs.store.js';

/** What signing out here means for the provider's own session. */
export type ProviderWayOut =
  /** Nothing: as declared, or because the provider has no endpoint for it. */
  | { readonly kind: 'none' }
  /** The provider does not respond; its session continues. */
  | { readonly kind: 'away'; readonly title: string }
  /** The person has returned from there. */
  | { readonly kind: 'returned'; readonly title: string }
  /** The person may end it there; `always`: the browser goes there automatically. */
  | { readonly kind: 'offer' | 'always'; readonly title: string; readonly url: string };

/** Who signs out, and what happens next. */
export interface SigningOut {
  /** The provider's name in the declared file. */
  readonly provider: string;
  readonly idToken: string | undefined;
  /** The application's address, which it has registered; undefined if no application asked. */
  readonly leadsTo: string | undefined;
  /** The value of the cookie `sign-in`, to which the return is bound. */
  readonly browser: string;
}

/** Signing out at outside providers too (OpenID Connect RP-Initiated Logout 1.0, with this issuer as the relying party). The session here has already ended. */
@Injectable()
export class ProviderSignOut {
  constructor(
    @Inject(Providers) private readonly providers: Providers,
    @Inject(ProviderSignOutsStore) private readonly store: ProviderSignOutsStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** It never fails: an unavailable provider does not keep anybody signed in here. */
  async begin({ provider: name, idToken, leadsTo, browser }: SigningOut): Promise<ProviderWayOut> {
    const provider = this.providers.find(name);
    if (provider === undefined || provider.sign_out === 'never') return { kind: 'none' };
    const { title, sign_out: kind, post_logout_redirect: returns } = provider;
    const state = newSecret();
    try {
      const url = await this.providers.endSessionUrl(provider, idToken, returns ? state : undefined);
      if (url === undefined) return { kind: 'none' };
      if (returns) {
        await this.store.add({
          stateDigest: digestOf(state),
          browserDigest: digestOf(browser),
          provider: name,
          leadsTo: leadsTo ?? null,
          startedAt: this.clock(),
        });
      }
      return { kind, title, url: url.href };
    } catch (error) {
      if (!(error instanceof ProviderProblem)) throw error;
      this.logger.warn(
        { provider: name, code: error.code, err: error.cause },
        'nobody was sent to the provider to sign out',
      );
      return { kind: 'away', title };
    }
  }

  /**
   * Somebody returns from a provider.
   * @param browser the value of the cookie `sign-in`; undefined if the browser has none
   * @returns undefined if this browser did not start the sign-out
   */
  async finish(
    name: string,
    state: string | undefined,
    browser: string | undefined,
  ): Promise<{ readonly leadsTo: string | undefined; readonly wayOut: ProviderWayOut } | undefined> {
    const provider = this.providers.find(name);
    if (provider === undefined || state === undefined || browser === undefined) return undefined;
    const key = { stateDigest: digestOf(state), browserDigest: digestOf(browser), provider: name };
    const known = await this.store.take(key);
    if (known === undefined) return undefined;
    return { leadsTo: known.leadsTo ?? undefined, wayOut: { kind: 'returned', title: provider.title } };
  }
}
