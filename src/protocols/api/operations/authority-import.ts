import { randomUUID, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { rootCrlAddress } from '../../../certificates/addresses.ts'
import type { Authorities, Authority } from '../../../certificates/authority.ts'
import { issuingName, issuingUnder, rootList } from '../../../certificates/hierarchy.ts'
import { assertDistinct, assertNotListed, openImportedKey, parseImportedChain, parseRootCrl, type ImportedChain } from '../../../certificates/import.ts'
import type { SealedKey } from '../../../certificates/keyring.ts'
import type { NewCrl } from '../../../certificates/publish.ts'
import { CaError } from '../../../errors.ts'
import type { Certificate } from '../../../formats/x509.ts'
import { change } from '../../../http/change.ts'
import { newestRootList } from '../../../http/root-lists.ts'
import type { Service } from '../../../http/service.ts'
import { publishDue, registerAddresses, renewDueSigners } from '../../../http/upkeep.ts'
import { hierarchyStore, loadAuthorities, registerPartitions } from '../../../store/authorities.ts'
import type { Queryable } from '../../../store/db.ts'
import { operation } from '../operation.ts'
import { authorityView, viewOfAuthority } from './authority-view.ts'

const pem = z.string().min(1).max(500_000)
const secret = z.string().max(1000)

const importInput = z.strictObject({
  /** PEM: a root; or an issuing CA, then its root, which may be left out when it is here already. */
  certificates: pem,
  /** PKCS#8 in PEM, encrypted or not, of the first certificate. */
  privateKey: pem,
  passphrase: secret.optional(),
  /** Beside an issuing CA: the root’s key, should it be kept here. */
  rootPrivateKey: pem.optional(),
  rootPassphrase: secret.optional(),
  /** A list of the root in PEM: needed when the root comes without its key. */
  rootCrl: pem.optional(),
  /** The number of the newest list that the first certificate’s CA has published elsewhere: numbers only grow. */
  crlNumber: z.int().min(0).max(1e15).optional(),
}).refine(({ rootPrivateKey, rootPassphrase }) => rootPrivateKey !== undefined || rootPassphrase === undefined, 'rootPassphrase without rootPrivateKey opens nothing')

type Input = z.output<typeof importInput>

export const authorityImport = operation({
  id: 'authorityImport', method: 'post', path: '/authorities/import', role: 'admin', status: 201,
  summary: 'Bring your own root or issuing CA. The issuing CA it follows issues no more, and goes on to answer for what it issued.',
  input: importInput,
  output: z.strictObject({ root: authorityView, issuing: authorityView }),
  async run(service, actor, input) {
    await service.reload()
    const present = service.authorities()
    const plan = await planImport(service, input, service.now())
    const names = await change(service, actor, async (tx, record, now) => {
      await hierarchyStore(tx).lockAll()
      await assertUnchanged(tx, present)
      await assertStillGood(tx, plan)
      const stored = await store(service, tx, plan, now)
      await record('authority.import', `authority:${stored.issuing}`, { ...stored, rootKeyHere: plan.root.key.privateKey !== null, generated: plan.generated })
      return stored
    })
    await service.reload()
    await registerAddresses(service)
    await renewDueSigners(service)
    await publishDue(service)
    service.revocationChanged()
    const authorities = service.authorities()
    const view = (name: string) => viewOfAuthority(authorities, authorities.all.find(authority => authority.name === name)!)
    return { root: view(names.root), issuing: view(names.issuing) }
  },
})

/** Names, and what was compared, come from before the lock. */
async function assertUnchanged(tx: Queryable, present: Authorities): Promise<void> {
  const state = ({ all }: Authorities): string => all.map(({ id, active }) => `${id} ${active}`).join()
  if (state(await loadAuthorities(tx)) !== state(present)) throw new CaError('conflict', 'another authority was brought meanwhile: ask again')
}

/** By the newest list of a root that is here: nobody can publish another one before this is stored. */
async function assertStillGood(tx: Queryable, { root, issuing }: Plan): Promise<void> {
  const newest = root.id === undefined ? undefined : await newestRootList(tx, { id: root.id })
  if (newest !== undefined) assertNotListed(newest, issuing.certificate)
}

type Ca = { name: string, certificate: Certificate, key: SealedKey }
/** `root.id`: of one that is here already; `root.crl`: of one that is not. */
type Plan = { root: Ca & ({ id: number, crl: undefined } | { id: undefined, crl: NewCrl }), issuing: Ca & { crlNumber: number }, generated: boolean }

/** Checks everything and makes what has to be made, before anything is stored. */
async function planImport(service: Service, input: Input, now: Date): Promise<Plan> {
  const { all } = service.authorities()
  const roots = all.filter(authority => authority.role === 'root')
  const chain = parseImportedChain(input.certificates, roots.map(authority => authority.certificate), now)
  const known = roots.find(authority => authority.certificate.raw.equals(chain.root.raw))
  if (chain.issuing === undefined && known !== undefined) throw new CaError('authority-exists', 'this root is here already')
  assertDistinct([...known === undefined ? [chain.root] : [], ...chain.issuing === undefined ? [] : [chain.issuing]], all.map(authority => authority.certificate))
  assertUsed(input, chain, known)
  const firstKey = openImportedKey(input.privateKey, input.passphrase, chain.issuing ?? chain.root)
  const root = known === undefined
    ? await planRoot(service, chain.root, chain.issuing === undefined ? firstKey : rootKeyIn(input, chain.root), input, chain.issuing === undefined ? input.crlNumber ?? 0 : 0, now)
    : { name: known.name, certificate: known.certificate, key: known.key, id: known.id, crl: undefined }
  const name = nextName('issuing', all)
  if (chain.issuing === undefined) return { root, generated: true, issuing: { name, crlNumber: 0, ...await newIssuing(service, root, now) } }
  if (root.crl !== undefined) assertNotListed(root.crl, chain.issuing)
  return { root, generated: false, issuing: { name, certificate: chain.issuing, key: service.keyring.seal(firstKey), crlNumber: input.crlNumber ?? 0 } }
}

/** Who gives something expects it to count: better a refusal than a list or a key that was passed over. @throws {CaError} invalid-argument */
function assertUsed(input: Input, chain: ImportedChain, known: Authority | undefined): void {
  const refuse = (why: string): never => { throw new CaError('invalid-argument', why) }
  if (chain.issuing === undefined && input.rootPrivateKey !== undefined) refuse('the root comes alone, so its key is privateKey, and rootPrivateKey is not used')
  if (chain.issuing === undefined && input.rootCrl !== undefined && input.crlNumber !== undefined) refuse('rootCrl has a number, so crlNumber is not used')
  if (known !== undefined && input.rootPrivateKey !== undefined) refuse('the root is here already, so rootPrivateKey is not used')
  if (known !== undefined && input.rootCrl !== undefined) refuse('the root is here already, so rootCrl is not used: publish it as the root’s next list first')
}

function rootKeyIn(input: Input, root: Certificate): KeyObject | undefined {
  return input.rootPrivateKey === undefined ? undefined : openImportedKey(input.rootPrivateKey, input.rootPassphrase, root)
}

async function planRoot(service: Service, certificate: Certificate, privateKey: KeyObject | undefined, { rootCrl }: Input, lastNumber: number, now: Date): Promise<Ca & { id: undefined, crl: NewCrl }> {
  const key: SealedKey = privateKey === undefined ? { id: randomUUID(), publicKey: certificate.subjectPublicKeyInfo, privateKey: null } : service.keyring.seal(privateKey)
  if (rootCrl === undefined && privateKey === undefined) {
    throw new CaError('authority-import-invalid', 'the root comes without its key, so a list that it signed must come with it (rootCrl): front ends refuse everybody without one')
  }
  const crl = rootCrl === undefined ? await rootList(service.keyring, { certificate, key }, lastNumber + 1, now) : parseRootCrl(rootCrl, certificate, 1, now)
  return { name: nextName('root', service.authorities().all), certificate, key, id: undefined, crl }
}

async function newIssuing(service: Service, root: Ca, now: Date): Promise<{ certificate: Certificate, key: SealedKey }> {
  const { config: { pkiUrl, organization, keyType }, keyring, addresses } = service
  const present = [root.certificate, ...service.authorities().all.map(({ certificate }) => certificate)]
  let generation = 1
  // The first name that nobody has: one that was brought may have taken the next.
  while (present.some(({ subject }) => subject.raw.equals(issuingName(organization, generation)))) generation++
  const rootCrlUrl = rootCrlAddress(pkiUrl).replace(/root\.crl$/, `${root.name}.crl`)
  return await issuingUnder({ keyring, addresses, rootCrlUrl, organization, keyType }, root, generation, now)
}

/** `issuing`, then `issuing-2` and so on: names are in addresses, so none is used twice. */
function nextName(role: 'root' | 'issuing', all: readonly Authority[]): string {
  const count = all.filter(authority => authority.role === role).length
  return count === 0 ? role : `${role}-${count + 1}`
}

async function store(service: Service, tx: Queryable, { root, issuing }: Plan, now: Date): Promise<{ root: string, issuing: string }> {
  const hierarchy = hierarchyStore(tx)
  await hierarchy.retire('root')
  if (root.id === undefined) {
    const rootId = await hierarchy.addAuthority({ name: root.name, role: 'root', certificate: root.certificate.raw, key: root.key, parent: null, partitions: 1 }, now)
    if (root.key.privateKey !== null) await hierarchy.restorePrivateKey(root.key.publicKey, root.key.privateKey)
    await hierarchy.addCrl(rootId, root.crl.crlNumber, [root.crl])
  } else {
    // It may be one that was replaced, and phones are given the root of what issues.
    await hierarchy.activate(root.id)
  }
  await hierarchy.retire('issuing')
  const { crlPartitions } = service.config
  const id = await hierarchy.addAuthority({ name: issuing.name, role: 'issuing', certificate: issuing.certificate.raw, key: issuing.key, parent: root.name, partitions: crlPartitions, crlNumber: issuing.crlNumber }, now)
  await hierarchy.restorePrivateKey(issuing.key.publicKey, issuing.key.privateKey!)
  await registerPartitions(tx, id, crlPartitions, partition => service.addresses.partitionCrl(issuing.name, partition))
  return { root: root.name, issuing: issuing.name }
}
