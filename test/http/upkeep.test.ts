import test from 'ava'
import { activeAuthority, signersFor } from '../../src/certificates/authority.ts'
import { publishDue, renewDueSigners } from '../../src/http/upkeep.ts'
import { openKeyring } from '../../src/keys/keyring.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { testService } from '../support/service.ts'

test('an authority that cannot publish does not keep the others from it', async t => {
  const service = await testService(t)
  const [issuing, enrollment] = (['issuing', 'enrollment'] as const).map(role => activeAuthority(service.authorities(), role).id)
  await service.db.query('delete from crl_addresses where authority_id = $1', [issuing])
  t.is(await refusalOfAsync(() => publishDue(service)), 'crl-not-published')
  t.is(await crlFileStore(service.db).newest(issuing!, 'partition'), undefined)
  t.is((await crlFileStore(service.db).newest(enrollment!, 'partition'))?.crlNumber, 1)
})

test('an authority whose signers cannot be renewed does not keep the others from theirs', async t => {
  const service = await testService(t)
  const [issuing, enrollment] = (['issuing', 'enrollment'] as const).map(role => activeAuthority(service.authorities(), role))
  const endOf = (): number => signersFor(service.authorities(), enrollment!.id, 'scep-ra')[0]!.certificate.notAfter.getTime()
  const before = endOf()
  // Its key opens no more: sealed with another passphrase, or damaged.
  await service.db.query('update keys set private_key = $2 where id = (select key_id from authorities where id = $1)', [issuing!.id, Buffer.from('damaged')])
  await service.reload()
  service.clock.advance(700 * 86_400)
  // As another instance has it, which has opened no key yet.
  await t.throwsAsync(() => renewDueSigners({ ...service, keyring: openKeyring('a passphrase of tests') }))
  t.true(endOf() > before)
})
