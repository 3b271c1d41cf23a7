"""What an action does: numbers become order messages, and never more lots than are left.

Every codec is one kernel that reads an action and puts requests on the desk's order
link. An order with an unanswered request is left alone until the answer came: a desk
that piles requests on an order it does not understand is how accidents happen.
"""
