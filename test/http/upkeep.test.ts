import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { publishDue } from '../../src/http/upkeep.ts'
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
