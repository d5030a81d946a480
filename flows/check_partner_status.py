"""Check partner status: what partners say of participants, compared with REDCap and written there."""

from __future__ import annotations

from flows.job import Summary, chosen_limits, job
from flows.parameters import DryRun, MaxRecords, MaxShare, Participant, PartnerName, StudyName
from flows.scope import choose_scope
from tasks.judging import refuse_empty
from tasks.partners import choose_partners, compare_rosters, count_differences
from tasks.rosters import fetch_roster
from tasks.shield import study_flow


@study_flow("check-partner-status")
def check_partner_status(
    study: StudyName,
    partner: PartnerName = "",
    participant: Participant = "",
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
) -> Summary:
    """Compare partners' rosters with REDCap, and write what differs; a second run writes nothing.

    Args:
        study: The name of the study.
        partner: The name of one partner of the study file; all if blank.
        participant: The reference of one participant; all if blank. Never a record id, which would be kept.
        dry_run: Compare, judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
    """
    with job(study, flow="check_partner_status", dry_run=dry_run) as current:
        live = current.live
        scope = choose_scope(current, participant=participant)
        if partner:
            # What another partner told of is not seen to.
            current.asked = tuple(one for one in current.asked if one.record == partner)
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        # All of them first: a roster that does not come stops the run before anything is written.
        rosters = {one.name: fetch_roster(live, partner=one) for one in choose_partners(live, name=partner)}
        found = compare_rosters(live, rosters=rosters)
        refuse_empty(live, records=found.present.records, now=current.now, may_be_new=False)
        current.details |= {**found.counts, "differences": count_differences(live, found)}
        return current.apply(
            scope.of(found.wanted),
            present=found.present,
            limits=limits,
            heard=found.heard[scope.holds(found.heard["record"])],
        )
