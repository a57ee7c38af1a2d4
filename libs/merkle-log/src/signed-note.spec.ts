import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { openCheckpoint, parseCheckpointText, signCheckpoint } from './checkpoint.js';
import { NoteKeyError } from './note-key.js';
import { createNoteSigner, parseVerifierKey } from './note-signer.js';
import { inclusionSpans } from './proof.js';
import { NoteError, openNote, signNote } from './signed-note.js';
import { spanHash } from './span.js';
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.js';
import { leafHash, rootOf } from './tree.js';

// The example of C2SP signed-note.
const exampleKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const exampleNote =
  'This is an example message.\n\n' +
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const signer = (name = 'audit.example/log') => createNoteSigner(name, generateKeyPairSync('ed25519').privateKey);

describe('signed notes', () => {
  it("verify like the specification's example", () => {
    expect(openNote(exampleNote, [parseVerifierKey(exampleKey)])).toEqual({
      text: 'This is an example message.\n',
      signers: ['example.com/foo'],
    });
  });

  it('are refused if text or signature is changed, or no known key has signed', () => {
    const key = parseVerifierKey(exampleKey);
    const code = (note: string, keys = [key]): string => {
      try {
        openNote(note, keys);
        return 'accepted';
      } catch (error) {
        return error instanceof NoteError ? error.code : String(error);
      }
    };
    expect(code(exampleNote.replace('example message', 'other message'))).toBe('NOTE_SIGNATURE_WRONG');
    expect(code(exampleNote.replace('QOkn8', 'QOkn9'))).toBe('NOTE_SIGNATURE_WRONG');
    expect(code(exampleNote, [signer()])).toBe('NOTE_SIGNER_UNKNOWN');
    expect(code(exampleNote.trimEnd())).toBe('NOTE_MALFORMED');
    expect(code('no signature\n')).toBe('NOTE_MALFORMED');
    expect(code(exampleNote.replace('an', 'a\u0001'))).toBe('NOTE_MALFORMED');
    expect(code(`${exampleNote}x\n`)).toBe('NOTE_MALFORMED');
  });

  it('allow signatures of unknown keys next to known ones', () => {
    const [known, unknown] = [signer('a'), signer('b')];
    const note = signNote('text\n\nwith a blank line\n', [unknown, known]);
    expect(openNote(note, [known])).toEqual({ text: 'text\n\nwith a blank line\n', signers: ['a'] });
    expect(parseVerifierKey(known.verifierKey)).toMatchObject({ name: 'a', id: known.id });
    expect(() => signNote('no newline', [known])).toThrow(NoteError);
  });

  it('accept no key that is malformed, not Ed25519, or has a wrong id', () => {
    const wrong = [
      '',
      exampleKey.replace('530d903a', '530d903b'),
      exampleKey.replace('AekyeR', 'BekyeR'),
      exampleKey.replace('example.com', 'exam ple.com'),
      `${exampleKey}A`,
    ];
    for (const key of wrong) expect(() => parseVerifierKey(key)).toThrow(NoteKeyError);
    expect(() => createNoteSigner('a+b', generateKeyPairSync('ed25519').privateKey)).toThrow(NoteKeyError);
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    expect(() => createNoteSigner('a', createPrivateKey(p256.export({ format: 'pem', type: 'pkcs8' })))).toThrow(
      NoteKeyError,
    );
  });

  it('never make a reader fail in another way, whatever arrives', () => {
    const key = parseVerifierKey(exampleKey);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat().map((at) => exampleNote.slice(1 + (at % (exampleNote.length - 1)))),
        ),
        (note) => {
          expect(() => openNote(note, [key])).toThrow(NoteError);
          expect(parseTlogProof(note)).toBeUndefined();
        },
      ),
    );
  });
});

describe('checkpoints', () => {
  it('are read as the example of tlog-checkpoint', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    expect(parseCheckpointText(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(parseCheckpointText(`${text}an extension\n`).size).toBe(20_852_163);
    for (const wrong of [
      text.replace('20', '020'),
      text.replace('20852163', '-1'),
      text.replace('I=', 'J='),
      'a\n1\n',
      '',
    ]) {
      expect(() => parseCheckpointText(wrong)).toThrow(NoteError);
    }
  });

  it('are trusted only from the log whose key signed them under its own origin', () => {
    const log = signer();
    const root = rootOf([]);
    const note = signCheckpoint(0, root, log);
    expect(openCheckpoint(note, log)).toEqual({ origin: log.name, size: 0, root });
    expect(() => openCheckpoint(note, signer())).toThrow(NoteError);
    const underAnotherName = signNote(`other\n0\n${root.toString('base64')}\n`, [log]);
    expect(() => openCheckpoint(underAnotherName, log)).toThrow(/not of/);
  });
});

describe('a self-contained proof', () => {
  const leaves = Array.from({ length: 7 }, (_, index) => leafHash(Buffer.from(String(index))));
  const log = signer();
  const hashes = {
    hashOf: ({ height, index }: { height: number; index: number }) =>
      rootOf(leaves.slice(index * 2 ** height, (index + 1) * 2 ** height)),
  };
  const proof = {
    index: 3,
    hashes: inclusionSpans(3, 7).map((span) => spanHash(span, hashes)),
    checkpoint: signCheckpoint(7, rootOf(leaves), log),
  };
  const leaf = leaves[3] ?? Buffer.alloc(0);

  it('is written in the format of tlog-proof and read back', () => {
    const text = formatTlogProof(proof);
    expect(text.split('\n').slice(0, 2)).toEqual(['c2sp.org/tlog-proof@v1', 'index 3']);
    expect(parseTlogProof(text)).toEqual(proof);
    const withExtra = { ...proof, extra: Buffer.from('x') };
    expect(parseTlogProof(formatTlogProof(withExtra))).toEqual(withExtra);
    expect(parseTlogProof(text.replace('index 3', 'index 03'))).toBeUndefined();
    expect(parseTlogProof(text.replace('@v1', '@v2'))).toBeUndefined();
  });

  it('holds for its leaf, place and checkpoint only', () => {
    expect(verifyTlogProof(proof, leaf, log)).toMatchObject({ size: 7, origin: log.name });
    expect(verifyTlogProof({ ...proof, index: 2 }, leaf, log)).toBeUndefined();
    expect(verifyTlogProof(proof, leafHash(Buffer.from('x')), log)).toBeUndefined();
    expect(() => verifyTlogProof(proof, leaf, signer())).toThrow(NoteError);
  });
});
