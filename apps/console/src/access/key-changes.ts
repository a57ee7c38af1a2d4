import { type PlannedChange, wordOf } from './planned-change.js';

const part = encodeURIComponent;

/** The two kinds of keys that the issuer signs with. */
export type KeyPurpose = 'keys' | 'revocation-keys';

export const keyChange = {
  rotate: (purpose: KeyPurpose): PlannedChange => ({
    title: purpose === 'keys' ? 'Rotate the signing key' : 'Rotate the key that signs revocations',
    effect:
      purpose === 'keys'
        ? 'The pending key starts signing. The previous one stays published until its tokens have expired, so nothing is refused.'
        : 'The pending key starts signing, and the list of revocations is signed again. Nothing more is refused.',
    path: `admin/${purpose}/rotate`,
    button: 'Rotate',
  }),
  revoke: (purpose: KeyPurpose, kid: string): PlannedChange => ({
    title: purpose === 'keys' ? `Revoke the signing key ${kid}` : `Revoke the revocation key ${kid}`,
    effect:
      purpose === 'keys'
        ? 'For emergencies: the key is removed from the published set, and every service refuses everything it signed. The pending key takes over.'
        : 'For emergencies: the key is removed from its set, and the pending one signs the whole list again.',
    path: `admin/${purpose}/${part(kid)}/revoke`,
    word: wordOf(kid),
    ...(purpose === 'keys' ? { refuses: { kind: 'key', name: kid } } : {}),
    button: 'Revoke',
  }),
};
