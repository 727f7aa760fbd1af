/** Everything that can be asked of the service, by API, by command and from the console. */
import type { Area, Grant } from '../../http/scope.ts'
import type { Operation } from './operation.ts'
import * as access from './operations/access.ts'
import * as activesync from './operations/activesync.ts'
import * as adminNotices from './operations/admin-notices.ts'
import * as approvals from './operations/approvals.ts'
import * as authorities from './operations/authorities.ts'
import * as authorityImport from './operations/authority-import.ts'
import * as authorityRoot from './operations/authority-root.ts'
import * as audit from './operations/audit.ts'
import * as catalogue from './operations/catalogue.ts'
import * as certificates from './operations/certificates.ts'
import * as deviceSettle from './operations/device-settle.ts'
import * as devices from './operations/devices.ts'
import * as deviceActiveSync from './operations/device-activesync.ts'
import * as deviceStories from './operations/device-story.ts'
import { frontEndEnforcement } from './operations/enforcement.ts'
import { exchangeRulesExport } from './operations/exchange-export.ts'
import * as exemptions from './operations/exemptions.ts'
import { frontEndConfiguration } from './operations/front-end-configuration.ts'
import * as frontEndProbes from './operations/front-end-probes.ts'
import * as frontEnds from './operations/front-ends.ts'
import * as imports from './operations/imports.ts'
import * as inventory from './operations/inventory.ts'
import * as invitationBatch from './operations/invitation-batch.ts'
import * as invitationLink from './operations/invitation-link.ts'
import * as invitations from './operations/invitations.ts'
import * as models from './operations/models.ts'
import * as overview from './operations/overview.ts'
import * as people from './operations/people.ts'
import * as policy from './operations/policy.ts'
import * as policyChanges from './operations/policy-changes.ts'
import * as templates from './operations/templates.ts'
import * as tokens from './operations/tokens.ts'

/**
 * By the area that a token may be kept to, so that there is no operation without one. In the order in which the document
 * lists them: a path of fixed words stands before one with parameters that would match it.
 */
const operationsByArea = {
  overview: [overview.overviewShow],
  models: [
    models.modelList, models.modelShow, approvals.approvalList, approvals.modelApprove, approvals.modelWithdraw,
    catalogue.catalogueShow, catalogue.catalogueCheck, catalogue.catalogueUpdate,
  ],
  policy: [
    policy.policyList, policy.policyAdd, policy.policyRemove, policy.policyExplain,
    policyChanges.policyPreview, policyChanges.policyChangeList, policyChanges.policyChangeShow, policyChanges.policyChangeEffects, policyChanges.policyApply, policyChanges.policyUndo,
    exemptions.exemptionList, exemptions.exempt, exemptions.exemptionEnd, activesync.activesyncExplain, activesync.activesyncFindings,
    imports.importRewriteRules, imports.importExchangeRules, imports.importExchangeDevices, inventory.inventoryRequire, exchangeRulesExport,
  ],
  invitations: [invitations.inviteList, invitations.inviteCreate, invitationBatch.inviteBatch, invitations.inviteShow, invitationLink.inviteResend, invitations.inviteEnd],
  people: [people.personList, people.personShow, people.personStory],
  devices: [inventory.inventoryShow, inventory.inventoryList, inventory.importInventory, inventory.inventoryRemove, devices.deviceList, devices.deviceShow, deviceStories.deviceStory, deviceStories.evidenceShow, devices.deviceExplain, deviceSettle.deviceApprove, deviceSettle.deviceRefuse, deviceActiveSync.deviceAcceptClaims],
  certificates: [certificates.certList, certificates.certRevoke, certificates.certHold, certificates.certRelease, certificates.certShow],
  templates: [templates.templateList, templates.templateCheck, templates.templateShow, templates.templateSet],
  'front-ends': [
    frontEnds.frontEndList, frontEnds.frontEndAdd, frontEnds.frontEndActiveSync, frontEnds.frontEndEnd, frontEndEnforcement, frontEndConfiguration,
    frontEndProbes.frontEndProbeBegin, frontEndProbes.frontEndProbeList, frontEndProbes.frontEndProbeRevoke, frontEndProbes.frontEndProbeEnd,
  ],
  admins: [access.adminList, access.setupLinkCreate, access.adminCreate, access.adminRole, access.adminEnd, access.adminLinkCreate, adminNotices.adminNoticesShow, adminNotices.adminNoticesChoose],
  tokens: [tokens.tokenList, tokens.tokenCreate, tokens.tokenEnd],
  authorities: [authorities.authorityShow, authorityRoot.authorityExportRoot, authorityRoot.authorityRootCrl, authorities.authorityRenewSigners, authorityImport.authorityImport],
  audit: [audit.auditList, audit.auditShow],
} satisfies Record<Area, readonly Operation[]>

export const operations: readonly Operation[] = Object.values(operationsByArea).flat()

const areaOf = new Map<Operation, Area>(Object.entries(operationsByArea).flatMap(([area, all]) => all.map((each): [Operation, Area] => [each, area as Area])))

/** What a token with a scope needs for it: what an auditor may do, reading does too. */
export const grantFor = (operation: Operation): Grant => operation.role === 'auditor' && operation.changesOwn !== true ? `${areaOf.get(operation)!}:read` : areaOf.get(operation)!
