/** Two instances over one database: what one of them does, the other learns by reading it again. */
import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { loadConfig } from '../../src/config.ts'
import { silentLog } from '../../src/http/log.ts'
import { openService } from '../../src/http/open-service.ts'
import type { Service } from '../../src/http/service.ts'
import { registerAddresses } from '../../src/http/upkeep.ts'
import { openKeyring } from '../../src/keys/keyring.ts'
import { hierarchyStore } from '../../src/store/authorities.ts'
import { publicationStore } from '../../src/store/crls.ts'
import { refusalOf } from '../support/refusals.ts'
import { pooledKeyring, testService, type TestService } from '../support/service.ts'

const passphrase = 'a passphrase of tests'

/** Another instance of this service, as a second process would have it. */
async function beside(service: TestService, env: Record<string, string> = {}): Promise<Service> {
  const { db, now } = service
  return await openService({ config: { ...loadConfig(env), crlPartitions: 2 }, db, keyring: openKeyring(passphrase), now, log: silentLog })
}

const addressesOf = async ({ db }: Service, authorityId: number, partition: number): Promise<string[]> =>
  (await publicationStore(db).crlAddresses(authorityId, partition)).sort()

test('before an instance with an address of its own issues into partitions that it learns of, their lists are to name it', async t => {
  const service = await testService(t)
  const other = await beside(service, { LATCHKEY_PKI_URL: 'http://pki.example.org' })
  await registerAddresses(other)
  const { id } = activeAuthority(service.authorities(), 'issuing')
  await registerAddresses({ ...service, config: { ...service.config, crlPartitions: 3 } })
  t.deepEqual(await addressesOf(service, id, 2), ['http://localhost:8080/crl/issuing/2.crl'])
  t.is(activeAuthority(other.authorities(), 'issuing').partitions, 2)

  await other.reload()
  t.is(activeAuthority(other.authorities(), 'issuing').partitions, 3)
  t.deepEqual(await addressesOf(service, id, 2), ['http://localhost:8080/crl/issuing/2.crl', 'http://pki.example.org/crl/issuing/2.crl'])
})

test('before an instance with an address of its own issues from a CA that it learns of, that CA’s lists are to name it', async t => {
  const service = await testService(t)
  const other = await beside(service, { LATCHKEY_PKI_URL: 'http://pki.example.org' })
  await registerAddresses(other)
  const key = await service.keyring.generate('P-256')
  const { certificate } = activeAuthority(service.authorities(), 'issuing')
  const id = await service.db.transaction(async tx => {
    await hierarchyStore(tx).retire('issuing')
    return await hierarchyStore(tx).addAuthority({ name: 'issuing-2', role: 'issuing', certificate: certificate.raw, key, parent: 'root', partitions: 2 }, service.now())
  })
  await other.reload()
  t.is(activeAuthority(other.authorities(), 'issuing').id, id)
  for (const partition of [0, 1]) t.deepEqual(await addressesOf(service, id, partition), [`http://pki.example.org/crl/issuing-2/${partition}.crl`])
})

test('a key that was taken away is forgotten by an instance that had used it', async t => {
  const service = await testService(t, { keyring: pooledKeyring(passphrase) })
  const other = await beside(service)
  const { key } = activeAuthority(other.authorities(), 'root')
  // What is open needs no unsealing, so damaged bytes tell whether it is.
  const isOpen = (): boolean => refusalOf(() => other.keyring.signer({ ...key, privateKey: Buffer.from('damaged') })) === undefined
  t.false(isOpen())
  other.keyring.signer(key)
  t.true(isOpen())
  await service.db.transaction(async tx => { await hierarchyStore(tx).removePrivateKey(key.id) })
  await other.reload()
  t.false(isOpen())
})
