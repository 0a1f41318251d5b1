"""The routes of ratings: current usage, ratings, statements and estimates."""

from functions.admin.route_table.route import Route

_SUBSCRIPTION = "/v1/subscriptions/{subscription}"

RATINGS = (
    Route(
        "GET",
        f"{_SUBSCRIPTION}/usage",
        "ratings.current_usage",
        "ratings:read",
        "Show the usage and amounts of the open period, or of the period at an instant",
        {200: "CurrentUsage"},
        query=("at",),
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/ratings",
        "ratings.list_ratings",
        "ratings:read",
        "List ratings, the newest period first",
        {200: "Rating"},
        query=("period_start",),
        paged=True,
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/ratings/{{charge}}",
        "ratings.get_rating",
        "ratings:read",
        "Explain the amount of a charge",
        {200: "RatingDetail"},
        query=("period_start", "steps_from", "limit", "cursor"),
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/statements",
        "statements.list_statements",
        "ratings:read",
        "List the statements of closed periods, the newest first",
        {200: "Statement"},
        errors=("forbidden", "statement_tampered"),
        paged=True,
    ),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/statements/{{period_start}}",
        "statements.get",
        "ratings:read",
        "Show the statement of the period that starts at an instant",
        {200: "Statement"},
        errors=("forbidden", "statement_tampered"),
    ),
    Route(
        "GET",
        "/v1/ratings",
        "rating_lists.list_ratings",
        "ratings:read",
        "List the ratings of all subscriptions whose period ends within a time, with totals by currency",
        {200: "ListedRating"},
        query=("period_end_from", "period_end_to", "state", "plan", "charge", "bom"),
        required_query=("period_end_from", "period_end_to"),
        paged=True,
        page_members=("totals",),
        csv=True,
    ),
    Route(
        "POST",
        "/v1/estimates",
        "estimates.estimate",
        "ratings:read",
        "Estimate the amount of units, of records, or of a period's stored usage; nothing is stored",
        {200: "Estimate"},
        errors=("not_found", "metric_not_allowed"),
        body="EstimateRequest",
    ),
)
