/** Debian's Apache with the printed configuration, in a folder of its own. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { ApacheSettings } from '../../src/agent/targets/apache.ts'
import { apacheConfiguration } from '../../src/protocols/check/configurations/apache.ts'
import { newFrontEndPlace, type FrontEndPlace } from './front-end-place.ts'
import { serverProgram, type ServerProgram } from './server-program.ts'

export type Apache = FrontEndPlace & Pick<ServerProgram, 'start' | 'restart'> & { readonly settings: ApacheSettings, errorLog(): string }

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareApache(t: ExecutionContext<any>, apache: string, edit: (printed: string) => string = printed => printed): Promise<Apache> {
  const place = await newFrontEndPlace(t)
  const { folder, port, values } = place
  const log = `${folder}/error.log`
  // Apache gives up being root, and its workers have to get at the files.
  chmodSync(folder, 0o755)
  writeFileSync(`${folder}/apache2.conf`, edit(apacheConfiguration(values)))
  // Debian's own path belongs to root. What is given here is read after the file.
  const args = ['-f', `${folder}/apache2.conf`, '-c', `ErrorLog ${log}`, '-DFOREGROUND']
  const { start, restart } = serverProgram(t, { program: apache, args, port, log })
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -USR1 "$(cat ${folder}/apache2.pid)"\n`, { mode: 0o755 })
  return {
    ...place, start, restart, settings: { files: values.files, run: values.run, probe: `127.0.0.1:${port}`, reload: [`${folder}/reload.sh`] },
    errorLog: () => readFileSync(log, 'utf8'),
  }
}
