import { Inject, Injectable } from '@nestjs/common';
import { jwtSigner, type JsonObject, type TokenSigner } from '@countersign/auth-core';
import { type NewDelegation } from '../delegations/delegation.js';
import { ISSUER_URL } from '../issuer-url.js';
import { PeopleStore } from '../people/people.store.js';
import { type PersonRow } from '../people/people.tables.js';
import { personIdSchema } from '../people/person.js';
import { Replica } from '../registry/replica.service.js';
import { claimsAboutPerson, idTokenClaims, saysMoreOfPerson } from './id-token.js';

type Signs = (claims: JsonObject) => string | Promise<string>;

/** Tells an application who signed in. */
@Injectable()
export class IdTokens {
  #signs: { readonly of: TokenSigner; readonly sign: Signs } | undefined;

  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(PeopleStore) private readonly people: PeopleStore,
  ) {}

  /**
   * An ID token. Its `typ` is `JWT`, which all clients accept and no verifier of access tokens here does.
   * @param scopes those of the access token issued with it
   * @param now seconds
   * @param known the person of the delegation, if the caller has read them
   */
  async issue(delegation: NewDelegation, scopes: readonly string[], now: number, known?: PersonRow): Promise<string> {
    const asked = saysMoreOfPerson(scopes);
    const person = asked ? (known ?? (await this.people.find(personIdSchema.parse(delegation.personId)))) : undefined;
    const about = person === undefined ? {} : claimsAboutPerson(person, scopes);
    return this.#signer()(idTokenClaims(this.issuer, delegation, about, now));
  }

  #signer(): Signs {
    const { signer } = this.replica;
    if (this.#signs?.of !== signer)
      this.#signs = { of: signer, sign: jwtSigner({ typ: 'JWT', kid: signer.kid }, signer) };
    return this.#signs.sign;
  }
}
