/** `--key delivered`: the identity is made here, and exists only inside what is encrypted to the phone. */
import { createPrivateKey } from 'node:crypto'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { openPkcs12 } from '../../src/formats/pkcs12-reader.ts'
import type { Pkcs12Scheme } from '../../src/formats/pkcs12.ts'
import type { PlistDictionary } from '../../src/formats/plist.ts'
import { signAttributes } from '../../src/phone/ota.ts'
import { decryptProfile, openProfile, payloadsIn } from '../../src/phone/profile.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { housekeeping } from '../../src/store/housekeeping.ts'
import { outcomeOf, ours, phoneBeforeSecondPost, post, type StoppedPhone } from '../support/ota-phone.ts'
import { phoneKeys } from '../support/kept.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { openWorld, type World } from '../support/world.ts'

type Delivered = { world: World, phone: StoppedPhone, message: Buffer, answer: Buffer, file: Buffer, password: string, payload: PlistDictionary }

async function deliver(t: ExecutionContext, build = '20A362', osVersion?: string): Promise<Delivered> {
  const world = await openWorld(t)
  await world.approve('*')
  const { link } = await world.invite({ keyOrigin: 'delivered' })
  const phone = await phoneBeforeSecondPost(world, link, { build, ...osVersion === undefined ? {} : { osVersion } })
  const message = await signAttributes({ attributes: ours, identity: phone.bootstrap, now: world.service.now() })
  const { body } = await post(phone.otaUrl, message)
  const payloads = payloadsIn(await decryptProfile(openProfile(body).profile, phone.bootstrap))
  const payload = payloads.find(({ PayloadType: type }) => type === 'com.apple.security.pkcs12')!
  return { world, phone, message, answer: body, payload, file: payload['PayloadContent'] as Buffer, password: payload['Password'] as string }
}

const schemes: Record<Pkcs12Scheme, { options: string[], algorithms: string[] }> = {
  '3des-sha1': { options: ['-legacy'], algorithms: ['MAC: sha1, Iteration 2048', 'PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048', 'Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048'] },
  'aes256-sha256': { options: [], algorithms: ['MAC: sha256, Iteration 2048', 'PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256', 'Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256'] },
}

const phones: [string, string, string | undefined, Pkcs12Scheme][] = [
  ['a phone with iOS 16', '20A362', undefined, '3des-sha1'],
  ['a phone with iOS 17', '21A329', '17.0', '3des-sha1'],
  ['a phone with iOS 18', '22A3354', undefined, 'aes256-sha256'],
  ['a phone with a build that nobody knows', '99Z999', undefined, '3des-sha1'],
  ['a phone with a build that nobody knows, which says that it has iOS 26', '99Z999', '26.4', 'aes256-sha256'],
]

for (const [who, build, osVersion, scheme] of phones) {
  test(`${who} gets a PKCS #12 in ${scheme}, which openssl opens`, async t => {
    const { file, password } = await deliver(t, build, osVersion)
    t.regex(password, /^[A-Za-z0-9_-]{24}$/)
    t.truthy(openPkcs12(file, password, [scheme]))
    const openssl = peer(t, 'openssl')
    if (openssl === undefined) return
    const path = scratchFolder(t)('identity.p12', file)
    const { status, text, stdout } = await run(openssl, ['pkcs12', '-info', '-in', path, '-passin', `pass:${password}`, '-nodes', ...schemes[scheme].options])
    t.is(status, 0, text)
    t.deepEqual(text.split('\n').filter(line => /^(MAC:|PKCS7 Enc|Shrouded)/.test(line)), schemes[scheme].algorithms)
    t.regex(stdout.toString(), /BEGIN PRIVATE KEY/)
    t.is(stdout.toString().match(/BEGIN CERTIFICATE/g)?.length, 3, 'the device’s, the issuing CA’s, the root’s')
  })
}

test('the phone installs it, and its certificate counts from the moment of the answer', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const result = await world.enroll((await world.invite({ keyOrigin: 'delivered' })).link, { keys: phoneKeys })
  if (result.outcome !== 'enrolled') return t.fail(JSON.stringify(result))
  const [row] = await world.service.db.query(`select der, key_origin, state from certificates where kind = 'device'`)
  t.deepEqual(row, { der: result.certificate.raw, key_origin: 'delivered', state: 'issued' })
  t.deepEqual(await world.service.db.query('select state from enrollments'), [{ state: 'issued' }])
})

test('no private key, no password and no PKCS #12 stands anywhere in the database', async t => {
  const { world, file, password } = await deliver(t)
  const { privateKeyPkcs8 } = openPkcs12(file, password, ['3des-sha1'])
  const jwk = createPrivateKey({ key: privateKeyPkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
  const secrets = [
    privateKeyPkcs8, file, Buffer.from(password), ...(['d', 'p', 'q', 'dp', 'dq', 'qi'] as const).map(name => Buffer.from(jwk[name]!, 'base64url')),
  ]
  const dump = await everything(world)
  t.true(dump.includes('ines@example.com'), 'what is there is found')
  for (const secret of secrets) {
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) t.false(dump.includes(secret.toString(encoding)), encoding)
  }
})

/** Every column of every table as text; bytes in hex and as they are. */
async function everything({ service: { db } }: World): Promise<string> {
  const tables = await db.query(`select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`)
  const texts: string[] = []
  for (const { table_name: table } of tables) {
    for (const row of await db.query(`select * from "${table}"`)) {
      for (const value of Object.values(row)) {
        if (Buffer.isBuffer(value)) texts.push(value.toString('hex'), value.toString('latin1'), value.toString('base64'))
        else texts.push(typeof value === 'string' ? value : JSON.stringify(value))
      }
    }
  }
  return texts.join('\n')
}

test('the answer is kept for fifteen minutes, for a phone that lost it, and then it is gone', async t => {
  const { world, phone, message, answer } = await deliver(t)
  const kept = async (): Promise<boolean> => (await world.service.db.query('select 1 from enrollments where final_answer is not null')).length === 1
  world.service.clock.advance(15 * 60)
  await housekeeping(world.service.db, world.service.now())
  t.true(await kept())
  t.true((await post(phone.otaUrl, message)).body.equals(answer))
  world.service.clock.advance(1)
  t.is(outcomeOf(t, await post(phone.otaUrl, message)), 'page', 'also before anybody has cleaned up')
  await housekeeping(world.service.db, world.service.now())
  t.false(await kept())
  t.is(outcomeOf(t, await post(phone.otaUrl, message)), 'page')
  t.is((await world.service.db.query(`select 1 from certificates where kind = 'device' and state = 'issued'`)).length, 1)
})

test('once the certificate was used the answer is gone, at once', async t => {
  const { world, phone, message } = await deliver(t)
  const [row] = await world.service.db.query(`select authority_id, serial_number from certificates where kind = 'device'`)
  await certificateStore(world.service.db).markUsed({ authorityId: row!.authority_id, serialNumber: row!.serial_number }, world.service.now())
  t.is(outcomeOf(t, await post(phone.otaUrl, message)), 'page')
  await housekeeping(world.service.db, world.service.now())
  t.deepEqual(await world.service.db.query('select final_answer, final_answer_until from enrollments'), [{ final_answer: null, final_answer_until: null }])
})

test('another second message makes no second key', async t => {
  const { world, phone } = await deliver(t)
  world.service.clock.advance(5)
  const later = await signAttributes({ attributes: ours, identity: phone.bootstrap, now: world.service.now() })
  t.is(outcomeOf(t, await post(phone.otaUrl, later)), 'page')
  t.is((await world.service.db.query(`select 1 from certificates where kind = 'device'`)).length, 1)
})

test('six different second messages at once make one key that counts', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const phone = await phoneBeforeSecondPost(world, (await world.invite({ keyOrigin: 'delivered' })).link)
  const messages = await Promise.all(Array.from({ length: 6 }, async (_, i) =>
    await signAttributes({ attributes: { ...ours, VERSION: `20A36${i}` }, identity: phone.bootstrap, now: world.service.now() })))
  const answers = await Promise.all(messages.map(async message => outcomeOf(t, await post(phone.otaUrl, message))))
  t.deepEqual(answers.sort(), ['document', 'page', 'page', 'page', 'page', 'page'])
  t.is((await world.service.db.query(`select 1 from certificates where kind = 'device' and state = 'issued'`)).length, 1)
  t.is((await world.service.db.query('select 1 from invitation_devices')).length, 1)
})
