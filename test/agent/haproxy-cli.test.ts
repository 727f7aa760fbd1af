import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { HaproxyCli } from '../../src/agent/targets/haproxy-cli.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('questions that are asked at once over one connection to HAProxy each get their own answer, whatever comes together', async t => {
  const path = join(await temporaryFolder(t), 'haproxy.sock')
  // As HAProxy: what is there to be read at once is answered at once, each answer with the prompt behind it.
  const server = createServer(socket => {
    socket.on('data', chunk => {
      const commands = chunk.toString().split('\n').filter(line => line !== '')
      socket.write(commands.map(command => command === 'prompt' || command.startsWith('set') ? '\n> ' : `${command} is answered\n\n> `).join(''))
    })
    t.teardown(() => { socket.destroy() })
  })
  await new Promise<void>(resolve => { server.listen(path, resolve) })
  t.teardown(() => { server.close() })
  const cli = await HaproxyCli.open(path)
  t.teardown(() => { cli.close() })
  const commands = ['set map', 'show table', 'show sess', 'set map', 'show info']
  t.deepEqual(await Promise.all(commands.map(command => cli.ask(command))), ['', 'show table is answered', 'show sess is answered', '', 'show info is answered'])
})
