import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepared } from './command.js';

const sources = fileURLToPath(new URL('../programs/spring', import.meta.url));

export interface SpringProgram {
  readonly jar: string;
  /** Of Spring Security, which Spring Authorization Server is a part of. */
  readonly version: string;
}

/** Builds it, with what it needs from Maven Central. @throws {CannotBeHad} */
export async function springProgram(cache: string): Promise<SpringProgram> {
  const target = join(cache, 'spring');
  mkdirSync(target, { recursive: true });
  await prepared('mvn', ['-q', '-B', '-f', join(sources, 'pom.xml'), 'package', `-Dtarget=${target}`], {
    timeoutMs: 900_000,
  });
  const jar = join(target, 'interop.jar');
  const said = await prepared('java', ['-jar', jar, 'version']);
  return { jar, version: said.split('\n').at(-1) ?? '' };
}
