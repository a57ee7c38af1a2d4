import { createHash } from 'node:crypto';
import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '@countersign/auth';
import { type FastifyReply } from 'fastify';
import { SIGNING_KEYS, type SigningKeys } from './signing-key.js';

/** Seconds for which validators may keep the JWKS. */
export const JWKS_MAX_AGE = 300;

@ApiTags('keys')
@Public()
@Controller('.well-known')
export class JwksController {
  readonly #body: string;
  readonly #etag: string;

  constructor(@Inject(SIGNING_KEYS) keys: SigningKeys) {
    this.#body = JSON.stringify({ keys: keys.published });
    this.#etag = `"${createHash('sha256').update(this.#body).digest('base64url').slice(0, 22)}"`;
  }

  /** The public keys (RFC 7517), pending ones ahead of their use. `ETag`; 304 for `If-None-Match`. */
  @Get('jwks.json')
  async read(@Headers('if-none-match') known: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    void reply.headers({ etag: this.#etag, 'cache-control': `public, max-age=${String(JWKS_MAX_AGE)}` });
    if (known?.split(',').some((tag) => tag.trim() === this.#etag) === true) {
      await reply.status(304).send();
      return;
    }
    await reply.type('application/jwk-set+json').send(this.#body);
  }
}
