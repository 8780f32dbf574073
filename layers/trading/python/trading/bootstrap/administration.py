"""The operators' API for clients and instruments."""

from dataclasses import dataclass

from trading.adapters.dynamodb.audit import TableAuditTrail
from trading.adapters.dynamodb.proposals import TableProposals
from trading.adapters.dynamodb.registry import TableOperators, TableRegistry
from trading.adapters.dynamodb.second_factors import TableSecondFactors
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.http.ended_tokens import TableEndedTokens
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.operator_record import OperatorRecord
from trading.adapters.http.signature_check import SignedRequests
from trading.adapters.http.throttle import Throttle
from trading.adapters.identity import passwords
from trading.adapters.identity.codes import DerivedCodes
from trading.adapters.messaging.run_log import RunLog
from trading.adapters.runtime import clock
from trading.adapters.runtime.observability import Counters
from trading.bootstrap import clients, signatures
from trading.bootstrap.api import throttle
from trading.bootstrap.books import last_prices, table_books, table_names
from trading.bootstrap.messaging import mailboxes
from trading.bootstrap.operator_record import operator_record
from trading.bootstrap.settings import AdministrationSettings
from trading.domain.clients.proposals import SecondPersonRule
from trading.usecases.accounts.show_accounts import ShowAccounts
from trading.usecases.administration.administer_clients import AdministerClients
from trading.usecases.administration.administer_keys import AdministerKeys
from trading.usecases.administration.administer_venue_keys import AdministerVenueKeys
from trading.usecases.administration.close_advance import CloseAdvance
from trading.usecases.administration.halt_instrument import HaltInstrument
from trading.usecases.administration.reset_second_factor import ResetSecondFactor
from trading.usecases.administration.second_person import SecondPerson
from trading.usecases.administration.transfer_assets import TransferAssets
from trading.usecases.identity.second_factor import CheckCode
from trading.usecases.orders.cancel_order import RequestCancel
from trading.usecases.orders.list_orders import ListOrders


@dataclass(frozen=True)
class AdministrationApi:
    accounts: ShowAccounts
    books: TableBooks
    clients: AdministerClients
    close_advance: CloseAdvance
    failed_runs: RunLog
    find_orders: ListOrders
    halt_instrument: HaltInstrument
    idempotency: Idempotency
    keys: AdministerKeys
    record: OperatorRecord
    registry: TableRegistry
    reset_second_factor: ResetSecondFactor
    second_person: SecondPerson
    signed: SignedRequests
    throttle: Throttle
    transfers: TransferAssets
    venue_keys: AdministerVenueKeys


def administration_api(settings: AdministrationSettings) -> AdministrationApi:
    dynamodb = clients.dynamodb()
    books = table_books(settings, dynamodb)
    registry = TableRegistry(
        dynamodb,
        table_names(settings),
        settings.credentials_table,
        books,
        proposals_table=settings.proposals_table,
    )
    operators = TableOperators(dynamodb, table_names(settings), settings.credentials_table, books)
    audit = TableAuditTrail(dynamodb, settings.audit_table, clock.now)
    ended_tokens = TableEndedTokens(dynamodb, settings.control_table, clock.now)
    prices = last_prices(settings.control_table)
    execution = mailboxes(execution_queue_url=settings.execution_queue_url)
    cancel = RequestCancel(books, execution, Counters(), clock.now)
    administer_clients = AdministerClients(
        registry,
        audit,
        ended_tokens,
        cancel,
        passwords.new_secret,
        passwords.generate_key_for,
        clock.now,
    )
    factors = TableSecondFactors(dynamodb, settings.factors_table)
    codes = DerivedCodes(clients.kms(), settings.second_factor_key)
    check_code = CheckCode(factors, codes, Counters(), clock.now)
    return AdministrationApi(
        accounts=ShowAccounts(books, prices),
        books=books,
        clients=administer_clients,
        close_advance=CloseAdvance(registry, audit, clock.now),
        failed_runs=RunLog(clients.logs(), settings.order_lifecycle_log, clock.now),
        find_orders=ListOrders(books),
        halt_instrument=HaltInstrument(registry, audit),
        idempotency=Idempotency(dynamodb, settings.idempotency_table),
        keys=AdministerKeys(registry, operators, audit, ended_tokens),
        record=operator_record(settings),
        registry=registry,
        reset_second_factor=ResetSecondFactor(
            registry,
            factors,
            administer_clients.end_tokens,
            audit,
        ),
        second_person=SecondPerson(
            registry,
            TableProposals(dynamodb, settings.proposals_table),
            prices,
            audit,
            clock.now,
            SecondPersonRule(
                transfers=settings.transfer_approval_above, limits=settings.limit_approval_above
            ),
        ),
        signed=signatures.of_operators(settings),
        throttle=throttle(settings),
        transfers=TransferAssets(registry, audit, clock.now, check_code),
        venue_keys=AdministerVenueKeys(registry, audit),
    )
