import { Inject, Injectable } from '@nestjs/common';
import { uuidv7 } from '@countersign/audit-event';
import { type TokenSigner } from '@countersign/auth-core';
import { KeySet, parseCompactJws, verificationKeyOf } from '@countersign/auth-core/jws';
import {
  readDigest,
  readStatement,
  signDigest,
  signStatement,
  type SignedDigest,
  type Signing,
  type Statement,
} from '@countersign/revocation-feed';
import { CLOCK } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { type PublishedKey } from '../registry/key-set.js';
import { listedOf } from '../registry/listed-revocation.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';

/** The issuer's signed statements about revocations, with a key used for nothing else; also reads them again. */
@Injectable()
export class Statements {
  #published: readonly PublishedKey[] = [];
  #keys = new KeySet();

  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** States one revocation: at once with a local key, later from a KMS. */
  ofRow(row: RevocationRow): string | Promise<string> {
    return signStatement(listedOf(row), this.#signing());
  }

  /** States the whole list as this replica knows it. */
  ofList(): string | Promise<string> {
    const signing = this.#signing();
    return signDigest(this.replica.listAt(Math.floor(signing.now / 1_000)), signing);
  }

  /** @throws {StatementError} */
  read(text: string): Statement {
    return readStatement(text, this.issuer, this.#keySet(), this.clock().getTime());
  }

  /** @throws {StatementError} */
  readList(text: string): SignedDigest {
    return readDigest(text, this.issuer, this.#keySet(), this.clock().getTime());
  }

  /** Whether the active key signed it; entries signed by an earlier key must be signed again. */
  isByActiveKey(text: string): boolean {
    return parseCompactJws(text).header.kid === this.replica.revocationSigner.kid;
  }

  #signing(): Signing<TokenSigner> {
    const now = this.clock().getTime();
    return { issuer: this.issuer, id: uuidv7(now), now, key: this.replica.revocationSigner };
  }

  #keySet(): KeySet {
    const { revocationKeys } = this.replica;
    if (revocationKeys !== this.#published) {
      const keys = revocationKeys.map((jwk) => verificationKeyOf({ ...jwk }, 'revocation'));
      this.#keys = new KeySet(keys.filter((key) => key !== undefined));
      this.#published = revocationKeys;
    }
    return this.#keys;
  }
}
