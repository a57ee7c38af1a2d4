import { Inject, Injectable } from '@nestjs/common';
import { jwtSigner } from '@countersign/auth-core';
import { type Transaction } from '@countersign/service-host';
import { type Delegation } from '../delegations/delegation.js';
import { ISSUER_URL } from '../issuer-url.js';
import { PeopleStore } from '../people/people.store.js';
import { personIdSchema } from '../people/person.js';
import { Replica } from '../registry/replica.service.js';
import { claimsAboutPerson, idTokenClaims } from './id-token.js';

/** Says to an application who signed in. */
@Injectable()
export class IdTokens {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(PeopleStore) private readonly people: PeopleStore,
  ) {}

  /**
   * An ID token. Its `typ` is `JWT`, which clients of every make accept and no verifier of access tokens here does.
   * @param scopes those of the access token that comes with it
   * @param now seconds
   */
  async issue(
    transaction: Transaction,
    delegation: Delegation,
    scopes: readonly string[],
    now: number,
  ): Promise<string> {
    const person = await this.people.find(personIdSchema.parse(delegation.personId), transaction);
    const about = person === undefined ? {} : claimsAboutPerson(person, scopes);
    const { signer } = this.replica;
    return jwtSigner({ typ: 'JWT', kid: signer.kid }, signer)(idTokenClaims(this.issuer, delegation, about, now));
  }
}
