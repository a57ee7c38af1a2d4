import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';

const PLAIN_HTTP_VARIABLE = 'COUNTERSIGN_ALLOW_PLAIN_HTTP';

const sessionOptions = z.object({
  json: z.boolean().default(false),
  issuer: z.url({ protocol: /^https?$/, error: '--issuer must be an http or https URL' }).optional(),
  connectTo: z.url({ protocol: /^https?$/, error: '--connect-to must be an http or https URL' }).optional(),
  allowPlainHttp: z
    .union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })], {
      error: `${PLAIN_HTTP_VARIABLE} must be true or false`,
    })
    .default(false),
  clientId: z.string().optional(),
  key: z.string().optional(),
  stack: z.string().optional(),
  person: z.boolean().default(false),
});

/** The session's options: of the command line, or of the environment. @throws {CliError} */
export function readSessionOptions(command: Command, environment: NodeJS.ProcessEnv): z.infer<typeof sessionOptions> {
  const given = command.optsWithGlobals<{ readonly allowPlainHttp?: boolean }>();
  // Not by commander, which treats a flag's variable as set even if it is `false`.
  const allowPlainHttp = given.allowPlainHttp ?? environment[PLAIN_HTTP_VARIABLE];
  const parsed = sessionOptions.safeParse({ ...given, allowPlainHttp });
  if (!parsed.success) throw new CliError(ExitCode.usage, 'USAGE', z.prettifyError(parsed.error));
  return parsed.data;
}

/** The options of every command. */
export function addCommonOptions(program: Command): Command {
  return program
    .option('--json', 'print the result as one line of JSON', false)
    .addOption(new Option('--issuer <url>', 'issuer URL (default: the local stack’s)').env('COUNTERSIGN_ISSUER'))
    .addOption(
      new Option('--connect-to <url>', 'address of the issuer, if it differs from its issuer URL').env(
        'COUNTERSIGN_CONNECT_TO',
      ),
    )
    .option(
      '--allow-plain-http',
      `allow sending tokens over plain http to other machines (env: ${PLAIN_HTTP_VARIABLE}=true)`,
    )
    .addOption(new Option('--client-id <id>', 'the client to authenticate as').env('COUNTERSIGN_CLIENT_ID'))
    .option('--person', 'act as the person who is logged in (countersign login), not as a client', false)
    .addOption(new Option('--key <file>', 'its private key, a JWK in a JSON file').env('COUNTERSIGN_KEY_FILE'))
    .addOption(
      new Option('--stack <folder>', 'directory of the local stack (default: the nearest .countersign)').env(
        'COUNTERSIGN_STACK',
      ),
    );
}
