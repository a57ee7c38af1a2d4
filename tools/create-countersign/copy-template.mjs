// The template of a service has one home, the workspace's own generator. What only a service outside the workspace has is in `outside`.
import { cpSync, rmSync } from 'node:fs';

rmSync('template', { recursive: true, force: true });
cpSync('../generators/src/files', 'template', { recursive: true });
for (const own of ['package.json.template', 'tsconfig.check.json.template', 'tsconfig.build.json.template'])
  rmSync(`template/${own}`);
cpSync('outside', 'template', { recursive: true });
