/** Debian's HAProxy with the printed configuration, in a folder of its own. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { HaproxySettings } from '../../src/agent/targets/haproxy.ts'
import { haproxyConfiguration } from '../../src/protocols/check/configurations/haproxy.ts'
import { newFrontEndPlace, type FrontEndPlace } from './front-end-place.ts'
import { until } from './running-agent.ts'
import { serverProgram, type ServerProgram } from './server-program.ts'

export type Haproxy = FrontEndPlace & Pick<ServerProgram, 'start' | 'kill' | 'restart' | 'crash'> & { readonly settings: HaproxySettings, reload(): Promise<void>, workers(): string[] }

/** @param edit  changes the printed configuration, for tests of what it guards against */
export async function prepareHaproxy(t: ExecutionContext<any>, haproxy: string, edit: (printed: string) => string = printed => printed): Promise<Haproxy> {
  const place = await newFrontEndPlace(t)
  const { folder, port, values } = place
  writeFileSync(`${folder}/haproxy.cfg`, edit(haproxyConfiguration(values)))
  const { signal, ...program } = serverProgram(t, { program: haproxy, args: ['-W', '-db', '-p', `${folder}/pid`, '-f', `${folder}/haproxy.cfg`], port })
  // Run by the agent, as an administrator's command would be.
  writeFileSync(`${folder}/reload.sh`, `#!/bin/sh\nexec kill -USR2 "$(cat ${folder}/pid)"\n`, { mode: 0o755 })
  let master = ''
  const workers = (): string[] => {
    // Loaded again it empties the file before it writes the same number.
    master = readFileSync(`${folder}/pid`, 'utf8').trim() || master
    return readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')
  }
  return {
    ...place, ...program, workers, settings: { files: values.files, socket: `${folder}/haproxy.sock`, reload: [`${folder}/reload.sh`] },
    reload: async () => {
      const [before, told] = [workers().join(), { ms: -Infinity }]
      await until(() => {
        if (workers().join() !== before) return true
        // A master that was only just started may miss what it is told.
        if (performance.now() - told.ms < 1000) return false
        told.ms = performance.now()
        signal('SIGUSR2')
        return false
      })
    },
  }
}
