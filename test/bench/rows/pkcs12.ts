/** A profile with a PKCS#12 of an RSA-2048 key that is made for it: the second message of the phone, from request to answer. */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { KeyObject } from 'node:crypto'
import { enrollPhone } from '../../../src/phone/enroll.ts'
import { newRsaKey } from '../../../src/phone/keys.ts'
import { udidFor } from '../../../src/phone/misbehave.ts'
import { postSigned, signAttributes } from '../../../src/phone/ota.ts'
import { run } from '../../support/peers.ts'
import { inviteAt } from '../../support/world.ts'
import { latchkeyOn, type Latchkey } from '../latchkey.ts'
import { opensslCa } from '../peers/openssl-ca.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import type { Stage } from '../stage.ts'
import { median, reaches, type Work } from '../table.ts'

/** Idle between them: keys may be made ahead. */
const pauseMs = 800
const phone = { product: 'iPhone14,5', build: '20A362' } as const

export async function pkcs12(stage: Stage): Promise<Work[]> {
  const latchkey = await latchkeyOn(stage, 'pkcs12')
  await latchkey.start()
  const keys = { device: await newRsaKey(1024), bootstrap: await newRsaKey(2048) }
  let next = 0
  const contenders: Contender[] = [
    { who: 'Latchkey', measure: async () => {
      const took: number[] = []
      for (let n = 0; n < stage.sizes.samples; n++) took.push(await deliver(latchkey, keys, next++))
      return { value: median(took), about: { 'quickest ms': Math.min(...took), 'slowest ms': Math.max(...took) } }
    } },
    await opensslScript(stage),
  ]
  const [ours, peer] = await takeTurns(stage, 'PKCS#12', contenders)
  const work = { row: 'pkcs12', work: 'PKCS#12 profile with an RSA-2048 key, request to answer, idle', unit: 'ms at the median', better: 'less', ours: ours!, peers: [peer!] } satisfies Omit<Work, 'targets'>
  return [{ ...work, targets: [reaches(work, 25, 'under 25 ms')] }]
}

async function deliver({ service, url, deviceCaDir }: Latchkey, keys: { device: KeyObject, bootstrap: KeyObject }, n: number): Promise<number> {
  const { link } = await inviteAt(service, url, { email: `p12-${n}@example.com`, keyOrigin: 'delivered' })
  const [serial, now] = [`BENCHP12${String(n).padStart(4, '0')}`, () => new Date()]
  const outcome = await enrollPhone({ ...phone, link, serial, deviceCaDir, keys, now, stopBefore: 'second-post' })
  if (outcome.outcome !== 'stopped' || outcome.bootstrap === undefined) throw new Error(`the phone did not get there: ${JSON.stringify(outcome).slice(0, 300)}`)
  const attributes = { UDID: udidFor(phone.product, serial), SERIAL: serial, PRODUCT: phone.product, VERSION: phone.build }
  const message = await signAttributes({ attributes, identity: outcome.bootstrap, now: now() })
  await wait(pauseMs)
  const before = performance.now()
  await postSigned(outcome.otaUrl, message, 'second-post')
  return performance.now() - before
}

/** What a script of openssl commands would do for it: make a key, a certificate, and the file. */
async function opensslScript(stage: Stage): Promise<Contender> {
  const folder = join(await stage.folder(), 'openssl')
  const ca = await opensslCa(folder, [], 0)
  const file = (name: string): string => join(folder, name)
  const command = async (...args: string[]): Promise<void> => {
    const { status, stderr } = await run('openssl', args)
    if (status !== 0) throw new Error(stderr.slice(0, 300))
  }
  return { who: 'openssl genpkey, req, x509 and pkcs12 -export, one after the other', measure: async () => {
    const took: number[] = []
    for (let n = 0; n < stage.sizes.samples; n++) {
      const before = performance.now()
      await command('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', file('key.pem'))
      await command('req', '-new', '-key', file('key.pem'), '-subj', `/CN=phone ${n}`, '-out', file('request.pem'))
      await command('x509', '-req', '-in', file('request.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-set_serial', String(1000 + n), '-days', '365', '-out', file('certificate.pem'))
      await command('pkcs12', '-export', '-inkey', file('key.pem'), '-in', file('certificate.pem'), '-certfile', join(ca.folder, 'ca.pem'), '-passout', 'pass:a-password', '-out', file('identity.p12'))
      took.push(performance.now() - before)
    }
    return { value: median(took) }
  } }
}
