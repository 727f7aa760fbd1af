/** Debian's stunnel with the printed configuration, in a folder of its own. */
import { writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { StunnelSettings } from '../../src/agent/targets/stunnel.ts'
import { stunnelConfiguration } from '../../src/protocols/check/configurations/stunnel.ts'
import { newFrontEndPlace, type FrontEndPlace } from './front-end-place.ts'
import { serverProgram, type ServerProgram } from './server-program.ts'

export type Stunnel = FrontEndPlace & Pick<ServerProgram, 'start' | 'restart'> & { readonly settings: StunnelSettings, reloads(): number }

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareStunnel(t: ExecutionContext<any>, stunnel: string, edit: (printed: string) => string = printed => printed): Promise<Stunnel> {
  const place = await newFrontEndPlace(t)
  const { folder, port, values } = place
  writeFileSync(`${folder}/stunnel.conf`, edit(stunnelConfiguration(values)))
  const { start, restart, output, starts } = serverProgram(t, { program: stunnel, args: [`${folder}/stunnel.conf`], port })
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -HUP "$(cat ${folder}/stunnel.pid)"\n`, { mode: 0o755 })
  return {
    ...place, start, restart, settings: { files: values.files, pid: `${folder}/stunnel.pid`, reload: [`${folder}/reload.sh`] },
    reloads: () => (output().match(/Reading configuration from file/g)?.length ?? 0) - starts(),
  }
}
