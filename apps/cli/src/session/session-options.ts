import { type Command, Option } from 'commander';
import { z } from 'zod';

export const sessionOptions = z.object({
  json: z.boolean().default(false),
  issuer: z.url({ protocol: /^https?$/, error: '--issuer must be an http or https URL' }).optional(),
  connectTo: z.url({ protocol: /^https?$/, error: '--connect-to must be an http or https URL' }).optional(),
  allowPlainHttp: z.union([z.boolean(), z.stringbool()]).default(false),
  clientId: z.string().optional(),
  key: z.string().optional(),
  stack: z.string().optional(),
  person: z.boolean().default(false),
});

/** The options that every command takes. */
export function addCommonOptions(program: Command): Command {
  return program
    .option('--json', 'print the result as one line of JSON', false)
    .addOption(new Option('--issuer <url>', 'issuer URL (default: the local stack’s)').env('COUNTERSIGN_ISSUER'))
    .addOption(
      new Option('--connect-to <url>', 'address of the issuer, if it differs from its issuer URL').env(
        'COUNTERSIGN_CONNECT_TO',
      ),
    )
    .addOption(
      new Option('--allow-plain-http', 'allow sending tokens over plain http to other machines').env(
        'COUNTERSIGN_ALLOW_PLAIN_HTTP',
      ),
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
