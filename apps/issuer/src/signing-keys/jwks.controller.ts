import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { Public } from '@countersign/auth';
import { OpenApi, Unrecorded } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { SIGNING_KEYS, type JwksDocument, type SigningKeys } from '../registry/key-set.js';

export const JWKS_LIFETIME = Symbol('countersign.issuer.jwks-lifetime');

async function answer(
  { body, etag }: JwksDocument,
  lifetime: number,
  known: string | undefined,
  reply: FastifyReply,
): Promise<void> {
  void reply.headers({ etag, 'cache-control': `public, max-age=${String(lifetime)}` });
  if (known?.split(',').some((tag) => tag.trim() === etag) === true) {
    await reply.status(304).send();
    return;
  }
  await reply.type('application/jwk-set+json').send(body);
}

@OpenApi(({ ApiTags }) => ApiTags('keys'))
@Public()
@Unrecorded('public keys, for everybody')
@Controller('.well-known')
export class JwksController {
  constructor(
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(JWKS_LIFETIME) private readonly lifetime: number,
  ) {}

  /** The public keys that tokens are signed with (RFC 7517), pending ones ahead of their use. `ETag`; 304 for `If-None-Match`. */
  @Get('jwks.json')
  async read(@Headers('if-none-match') known: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    await answer(this.keys.jwks, this.lifetime, known, reply);
  }

  /**
   * The public keys that sign what is revoked, and nothing else: a separate set, each with `"use": "revocation"`, which no verifier of
   * tokens takes. `ETag`; 304 for `If-None-Match`.
   */
  @Get('revocation-jwks.json')
  async readForRevocation(
    @Headers('if-none-match') known: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await answer(this.keys.revocationJwks, this.lifetime, known, reply);
  }
}
