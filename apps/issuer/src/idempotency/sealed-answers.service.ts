import { hkdfSync } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type AnswerSeal } from '@countersign/service-host';
import { LocalKeyEncryption, sealedSchema } from '../registry/key-encryption.js';
import { Replica } from '../registry/replica.service.js';

/**
 * Encrypts the answers that are kept for repeats, because some show a client's secret. The key is derived (HKDF-SHA-256) from the issuer's
 * own secret, which itself rests under the key-encryption key: so no KMS is asked for an answer, and nothing is to be encrypted again when
 * that key changes.
 */
@Injectable()
export class SealedAnswers implements AnswerSeal {
  #encryption: LocalKeyEncryption | undefined;

  constructor(@Inject(Replica) private readonly replica: Replica) {}

  get #key(): LocalKeyEncryption {
    const derive = () => Buffer.from(hkdfSync('sha256', this.replica.secretKey, '', 'countersign kept answers', 32));
    this.#encryption ??= new LocalKeyEncryption([{ id: 'answers', key: derive() }]);
    return this.#encryption;
  }

  seal(answer: object, context: string): Promise<object> {
    return this.#key.seal(Buffer.from(JSON.stringify(answer)), context);
  }

  async open(stored: unknown, context: string): Promise<unknown> {
    const answer: unknown = JSON.parse((await this.#key.open(sealedSchema.parse(stored), context)).toString());
    return answer;
  }
}
