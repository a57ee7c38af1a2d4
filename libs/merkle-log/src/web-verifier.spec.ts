import { generateKeyPairSync } from 'node:crypto';
import { openCheckpoint, signCheckpoint } from './checkpoint.js';
import { createNoteSigner } from './note-signer.js';
import { NoteError, signNote } from './signed-note.js';
import { rootOf } from './tree.js';
import { importVerifierKey, openCheckpointAsync } from './web-verifier.js';

const signer = (name = 'audit.example/log') => createNoteSigner(name, generateKeyPairSync('ed25519').privateKey);

describe('a checkpoint that WebCrypto verifies', () => {
  const [log, later, stranger] = [signer(), signer(), signer('other')];
  const root = rootOf([]);
  const note = signCheckpoint(0, root, log, later);
  const codeOf = async (text: string, ...keys: (typeof log)[]): Promise<string> => {
    const verifiers = await Promise.all(keys.map(({ verifierKey }) => importVerifierKey(verifierKey)));
    return openCheckpointAsync(text, verifiers).then(
      () => 'accepted',
      (error: unknown) => (error instanceof NoteError ? error.code : String(error)),
    );
  };

  it('is accepted and refused as by Node', async () => {
    const verifier = await importVerifierKey(log.verifierKey);
    expect(verifier).toMatchObject({ name: log.name, id: log.id, verifierKey: log.verifierKey });
    expect(await openCheckpointAsync(note, [verifier])).toEqual(openCheckpoint(note, log));
    expect(await codeOf(note, log, later)).toBe('accepted');
    expect(await codeOf(note, stranger, later)).toBe('accepted');
    expect(await codeOf(note, stranger)).toBe('NOTE_SIGNER_UNKNOWN');
    expect(await codeOf(note.replace('\n0\n', '\n1\n'), log)).toBe('NOTE_SIGNATURE_WRONG');
    const half = signCheckpoint(0, root, log);
    const forged = half + (signCheckpoint(1, root, later).split('\n').at(-2) ?? '') + '\n';
    expect(await codeOf(forged, log)).toBe('accepted');
    expect(await codeOf(forged, log, later)).toBe('NOTE_SIGNATURE_WRONG');
    expect(await codeOf(signNote('other\n0\nx\n', [log]), log)).toBe('NOTE_MALFORMED');
    expect(await codeOf(note.trimEnd(), log)).toBe('NOTE_MALFORMED');
  });

  it('accepts no key with a wrong id', async () => {
    await expect(importVerifierKey(log.verifierKey.replace(/\+[0-9a-f]{8}/, '+00000000'))).rejects.toThrow('the id');
  });
});
