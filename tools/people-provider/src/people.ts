/** Somebody who can sign in at the development provider. */
export interface Somebody {
  /** The provider's `sub`. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** What the page says about them. */
  readonly work: string;
  /** The claim `groups`, from which a relying party maps its own roles. */
  readonly groups: readonly string[];
}

/** The people of the local stack. */
export const people: readonly Somebody[] = [
  { id: 'carol', name: 'Carol Diaz', email: 'carol@people.example', work: 'Customer', groups: ['customers'] },
  {
    id: 'samir',
    name: 'Samir Haddad',
    email: 'samir@people.example',
    work: 'Support agent',
    groups: ['staff', 'support'],
  },
  { id: 'olga', name: 'Olga Brandt', email: 'olga@people.example', work: 'Operator', groups: ['staff', 'operators'] },
  {
    id: 'amina',
    name: 'Amina Rahal',
    email: 'amina@people.example',
    work: 'Auditor',
    groups: ['staff', 'auditors', 'privacy'],
  },
];

/** How somebody signed in: `acr` (OpenID Connect Core, 2) and `amr` (RFC 8176). */
export interface SignInStrength {
  readonly acr: string;
  readonly amr: readonly string[];
}

/** With a password only. */
export const PASSWORD: SignInStrength = { acr: 'urn:people-provider:password', amr: ['pwd'] };
/** With a password and a one-time code. */
export const TWO_FACTORS: SignInStrength = { acr: 'urn:people-provider:two-factors', amr: ['pwd', 'otp', 'mfa'] };
