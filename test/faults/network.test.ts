/** The network between an agent and the service is cut: no answer, no refusal, nothing. Phones ask all the while. */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { acceptedAfter, codesOf, guarded, maxAgeMs, maxAgeSeconds, programFor, stays503, unexplained, untilAnswered } from '../support/guarded.ts'
import { peer } from '../support/peers.ts'
import { prepareService } from '../support/prepared-service.ts'
import { until } from '../support/running-agent.ts'

type Cable = { readonly host: string, readonly within: readonly string[], cut(): void, mend(): void }

/** A network of its own for the service, on a cable that can be cut. @returns undefined, with the reason printed, for who may not make one */
function cable(t: ExecutionContext): Cable | undefined {
  const program = peer(t, 'ip')
  if (program === undefined) return undefined
  const number = randomInt(1, 250)
  const [name, near, far, net] = [`latchkey-${number}`, `lk${number}a`, `lk${number}b`, `10.231.${number}`]
  const ip = (...args: string[]): void => { execFileSync(program, args, { stdio: 'ignore' }) }
  try {
    ip('netns', 'add', name)
    t.teardown(() => { ip('netns', 'del', name) })
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name)
    ip('addr', 'add', `${net}.1/24`, 'dev', near)
    ip('link', 'set', near, 'up')
    ip('-n', name, 'addr', 'add', `${net}.2/24`, 'dev', far)
    ip('-n', name, 'link', 'set', far, 'up')
    ip('-n', name, 'link', 'set', 'lo', 'up')
  } catch {
    t.pass('skipped: only root may make a network namespace')
    return undefined
  }
  // The far end is taken down, so that packets leave here and get nowhere: nobody refuses them.
  return { host: `${net}.2`, within: [program, 'netns', 'exec', name], cut: () => { ip('-n', name, 'link', 'set', far, 'down') }, mend: () => { ip('-n', name, 'link', 'set', far, 'up') } }
}

test('when the network is cut what was heard last counts for as long as the policy says; what was revoked meanwhile is refused before anybody is let in again', async t => {
  const haproxy = programFor(t, 'haproxy')
  const network = haproxy === undefined ? undefined : cable(t)
  if (haproxy === undefined || network === undefined) return
  const service = await prepareService(t, { phones: 3, frontEnds: [{ name: 'balancer', kind: 'haproxy', maxAgeSeconds }], place: network })
  await service.start()
  const guard = await guarded(t, 'haproxy', haproxy, service, 'balancer')
  const [good, revoked, meanwhile] = service.phones.map(phone => guard.asking(phone))
  for (const prober of [good!, revoked!, meanwhile!]) await untilAnswered(prober, 200)
  const revoke = async (phone: number): Promise<void> => {
    await service.call('POST', '/certificates/revoke', { certificate: service.phones[phone]!.serialNumber.toString('hex'), reason: 'keyCompromise' })
  }
  await revoke(1)
  await untilAnswered(revoked!, 'refused')
  const revokedMs = performance.now()

  network.cut()
  const cutMs = performance.now()
  await revoke(2)
  await stays503([good!, meanwhile!])
  for (const prober of [good!, meanwhile!]) t.deepEqual(acceptedAfter(prober, cutMs + maxAgeMs), [])
  const staleMs = performance.now()
  await until(() => codesOf(guard.agent).includes('stale'))

  network.mend()
  await untilAnswered(good!, 200)
  await untilAnswered(meanwhile!, 'refused')
  t.deepEqual(acceptedAfter(meanwhile!, staleMs), [])
  t.deepEqual(acceptedAfter(revoked!, revokedMs), [])
  t.deepEqual(unexplained(good!, guard.agent), [])
})
