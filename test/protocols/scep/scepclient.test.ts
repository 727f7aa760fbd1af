/** Debian's old SCEP client: SHA-1 and single DES, of which neither is offered. It has to hear so in a way it understands. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { fingerprint } from '../../../src/formats/x509.ts'
import { fakeClock } from '../../support/clock.ts'
import { peer, run } from '../../support/peers.ts'
import { caCertificates, counted, stoppedPhone } from '../../support/scep.ts'
import { openWorld } from '../../support/world.ts'

test('the old scepclient is refused with badAlg, good challenge or not, and nothing changes', async t => {
  const scepclient = peer(t, 'scepclient')
  if (scepclient === undefined) return
  const world = await openWorld(t, { clock: fakeClock(new Date().toISOString()) })
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [registration] = await caCertificates(door)

  for (const password of [challenge, 'never given out']) {
    const cwd = join(world.folder, password)
    await mkdir(cwd)
    const { status, stdout, stderr } = await run(scepclient, [
      '-private-key', 'key.pem', '-certificate', 'cert.pem', '-server-url', door, '-challenge', password, '-cn', 'whoever',
      '-ca-fingerprint', fingerprint(registration!.raw),
    ], { cwd })
    t.not(status, 0)
    t.regex(`${stdout}${stderr}`, /failInfo: \w*badAlg/i)
  }
  t.is(await counted(world, 'device'), 0)
  t.is(await counted(world, 'device', 'pending'), 0)
  t.deepEqual(await world.service.db.query("select 1 from scep_challenges where purpose = 'device' and consumed_at is not null"), [])
})
