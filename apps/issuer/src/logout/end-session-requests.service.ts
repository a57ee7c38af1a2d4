import { Inject, Injectable } from '@nestjs/common';
import { Problem, Refusals, type RequestTrace } from '@countersign/service-host';
import { z } from 'zod';
import { Replica } from '../registry/replica.service.js';
import { afterSignOut } from './end-session.js';
import { IdTokenHints } from './id-token-hint.service.js';

const text = (limit: number) => z.string().min(1).max(limit);
const endSessionShape = {
  /** The ID token that the application received. */
  id_token_hint: text(8_192).optional(),
  client_id: text(512).optional(),
  post_logout_redirect_uri: text(2_048).optional(),
  /** Returned to `post_logout_redirect_uri`. */
  state: text(1_024).optional(),
};
// RFC 6749, section 3.1: unknown parameters are ignored.
export const endSessionSchema = z.object(endSessionShape);
export type EndSession = z.infer<typeof endSessionSchema>;
export const signOutSchema = z.looseObject({ ...endSessionShape, form_token: z.string().optional() });

/** Who requests a sign-out, and where the browser goes afterwards; requests that an application may not make are refused. */
@Injectable()
export class EndSessionRequests {
  constructor(
    @Inject(Replica) private readonly replica: Replica,
    @Inject(IdTokenHints) private readonly hints: IdTokenHints,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /** @throws {Problem} 400 `SIGN_OUT_REFUSED`; recorded in the trail */
  async read(asked: EndSession, trace: RequestTrace) {
    const hint = asked.id_token_hint === undefined ? undefined : this.hints.read(asked.id_token_hint);
    const refuse = async (what: string): Promise<never> => {
      await this.refusals.recordOf('SIGN_OUT_REFUSED', trace);
      throw new Problem(
        400,
        'SIGN_OUT_REFUSED',
        `The application that sent you here made a request that is not allowed: ${what}.`,
        {
          heading: 'You are still signed in',
        },
      );
    };
    if (asked.id_token_hint !== undefined && hint === undefined)
      await refuse('its id_token_hint is not an ID token of this issuer');
    if (hint !== undefined && asked.client_id !== undefined && hint.clientId !== asked.client_id)
      await refuse('its client_id is not that of its id_token_hint');
    const clientId = hint?.clientId ?? asked.client_id;
    const registered = clientId === undefined ? undefined : this.replica.client(clientId);
    // A disabled client cannot sign anybody out without asking, or redirect them.
    const client = registered?.disabled === false ? registered.client : undefined;
    const after = afterSignOut(client, asked.post_logout_redirect_uri, asked.state);
    if (after === 'refused') await refuse('its post_logout_redirect_uri is not registered');
    return { hint: client === undefined ? undefined : hint, after: after === 'refused' ? undefined : after };
  }
}
